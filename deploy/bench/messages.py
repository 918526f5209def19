"""Queue messages without a gateway: a topic is filled as fast as the queue takes them."""

import asyncio
from collections.abc import Iterable, Iterator
from time import time, time_ns

from deploy.bench.logs import ENVIRONMENT, RELEASE, SERVICE, arrays, body_of
from shared.envelope import VERSION, Stamp, seal
from shared.queue.base import Lane, Queue

RETENTION_DAYS = 30
_IN_FLIGHT = 64


def envelope(project_id: str, array: bytes, n: int) -> bytes:
    """The message that a gateway makes of a request with this JSON array of `n` logs, received now."""
    stamp = Stamp(
        v=VERSION,
        format="deeptracer.logs",
        project_id=project_id,
        received_at=time_ns() // 1000,
        retention_days=RETENTION_DAYS,
        n=n,
        service=SERVICE,
        environment=ENVIRONMENT,
        release=RELEASE,
    )
    return seal(stamp, array)


async def fill(queue: Queue, topic: str, project_id: str, messages: int, logs: int, seed: int) -> int:
    """Publish `messages` of `logs` logs each. Returns the bytes of the request bodies that they stand for."""
    body_bytes = 0

    def values() -> Iterator[bytes]:
        nonlocal body_bytes
        for array in arrays(logs, messages, time(), seed):
            body_bytes += len(body_of(array))
            yield envelope(project_id, array, logs)

    await publish(queue, topic, values())
    return body_bytes


async def publish(queue: Queue, topic: str, values: Iterable[bytes]) -> None:
    """Publish messages as fast as the queue takes them. Raises what publishing raises."""
    producer = queue.producer()
    await producer.start()
    waiting: set[asyncio.Task[object]] = set()
    try:
        for value in values:
            task: asyncio.Task[object] = asyncio.create_task(producer.publish(topic, value))
            waiting.add(task)
            if len(waiting) >= _IN_FLIGHT:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        await asyncio.gather(*waiting)
    finally:
        await producer.stop()


async def end_of(queue: Queue, topic: str) -> dict[Lane, int]:
    """The lanes of a topic and where each ends now."""
    return await queue.end_offsets(await queue.lanes([topic]))


async def uncommitted(queue: Queue, group: str, ends: dict[Lane, int]) -> int:
    """How many messages below these offsets a group has not committed."""
    positions = await queue.committed(group, ends)
    return sum(max(0, end - (position.offset if (position := positions[lane]) else 0)) for lane, end in ends.items())
