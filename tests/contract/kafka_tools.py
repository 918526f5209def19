"""What the tests of the Kafka queue have in common."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer

from shared.queue.base import Lane
from shared.queue.kafka import KafkaQueue
from shared.queue.kafka.options import addresses
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


@asynccontextmanager
async def transacting(url: str, lane: Lane) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=addresses(url), transactional_id=f"{lane.topic}-transactions")
    await producer.start()
    yield producer
    await producer.stop()


async def begun(producer: AIOKafkaProducer, lane: Lane, values: list[bytes]) -> None:
    """Begin a transaction that has brought these messages."""
    await producer.begin_transaction()
    for value in values:
        await producer.send_and_wait(lane.topic, value, partition=lane.partition)
