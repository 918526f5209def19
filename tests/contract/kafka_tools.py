"""What the tests of the Kafka queue have in common."""

import asyncio
import os
from typing import Any

from shared.queue.kafka import KafkaQueue
from tests.contract.engines import kafka_options
from tests.contract.members import Member

OPTIONS = kafka_options(heartbeat_s=0.5, retry_s=0.2)


async def publish(queue: KafkaQueue, topic: str, count: int, *, more_bytes: int = 0, spread_s: float = 0) -> None:
    producer = queue.producer()
    await producer.start()

    async def one(n: int) -> None:
        await asyncio.sleep(spread_s * n / count)
        await producer.publish(topic, b"%d" % n + os.urandom(more_bytes))

    await asyncio.gather(*(one(n) for n in range(count)))
    await producer.stop()


def membership_of(member: Member) -> Any:
    """aiokafka's side of a member, to injure it."""
    return member.consumer._member  # type: ignore[attr-defined]
