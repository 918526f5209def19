"""Closes aiokafka's consumer, whatever its state."""

import asyncio
import logging
from typing import Any

from aiokafka import AIOKafkaConsumer

log = logging.getLogger(__name__)


async def close_consumer(consumer: AIOKafkaConsumer, timeout_s: float) -> None:
    """Leave the group and close all connections, in at most `timeout_s` seconds; never raises an error of aiokafka's.

    With Kafka away its `stop()` ends halfway, in a CancelledError of one of its own tasks, which must not look like a
    cancellation of the caller.
    """
    stopping = asyncio.create_task(consumer.stop())
    try:
        await asyncio.wait({stopping}, timeout=timeout_s)
    finally:
        if not stopping.done() or stopping.cancelled() or stopping.exception():
            log.info("kafka consumer did not close in order: %r", stopping)
            for task in [stopping, *background_tasks(consumer)]:
                task.cancel()
        await consumer._client.close()


def background_tasks(consumer: AIOKafkaConsumer) -> list[asyncio.Task[Any]]:
    """The tasks that must live as long as the consumer does, and its fetches under way."""
    fetcher, coordinator = consumer._fetcher, consumer._coordinator
    tasks = [fetcher._fetch_task, *fetcher._pending_tasks] if fetcher else []
    for name in ("_coordination_task", "_heartbeat_task", "_commit_refresh_task"):
        task = getattr(coordinator, name, None)  # none of them without a group, not all before it is joined
        if task is not None:
            tasks.append(task)
    return tasks
