"""Reading a range of one lane without a group: for replay, audit and operators."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from shared.queue.base import Lane, Message, QueueUnavailable
from shared.queue.kafka.admin import Admin
from shared.queue.kafka.closing import close_consumer
from shared.queue.kafka.login import with_current_login
from shared.queue.kafka.options import KafkaOptions, consumer_arguments

CHUNK_MESSAGES = 200
POLL_MS = 200


def to_message(record: Any) -> Message:
    """The message of aiokafka's record. A record without a value (a tombstone) has an empty one."""
    return Message(record.offset, record.timestamp, record.key, b"" if record.value is None else record.value)


@dataclass(frozen=True)
class RangeReader:
    """How a range is read. `undecided`: with the messages of transactions that are open, or were aborted."""

    bootstrap: str
    options: KafkaOptions
    admin: Admin
    undecided: bool = False

    async def end(self, lane: Lane) -> int:
        ask = self.admin.high_watermarks if self.undecided else self.admin.end_offsets
        return (await ask([lane]))[lane]

    def consumer(self) -> AIOKafkaConsumer:
        arguments = consumer_arguments(self.bootstrap, self.options)
        if self.undecided:
            arguments["isolation_level"] = "read_uncommitted"
        consumer = AIOKafkaConsumer(**arguments)
        with_current_login(consumer._client, self.options.security)
        return consumer


async def read_range(reader: RangeReader, lane: Lane, first: int, end: int) -> AsyncIterator[list[Message]]:
    """All messages with `first <= offset < end` that the lane has, in chunks, in order.

    It ends by position, not by count or by the last offset: compaction and transactions leave holes, the last one
    perhaps right before `end`. What lies beyond the end of the lane is not waited for.

    Raises:
        QueueUnavailable: Kafka went away; what was yielded is right, the rest is to be read again.
    """
    end, timeout_s = min(end, await reader.end(lane)), reader.options.request_timeout_s
    partition = TopicPartition(*lane)
    if first >= end:
        return
    consumer = reader.consumer()
    try:
        await _positioned(consumer, partition, first)
        position, moved_at = first, time.monotonic()
        while position < end:
            records = (await consumer.getmany(partition, timeout_ms=POLL_MS, max_records=CHUNK_MESSAGES)).get(
                partition, ()
            )
            # Also drops what came before: an offset out of range makes aiokafka start over at the earliest.
            if chunk := [to_message(record) for record in records if position <= record.offset < end]:
                yield chunk
            reached = max(position, await _position(consumer, partition, timeout_s))
            now = time.monotonic()
            if reached > position or records:
                position, moved_at = reached, now
            elif now - moved_at > timeout_s:
                end = min(end, await reader.end(lane))
                if position < end:
                    raise QueueUnavailable(f"{lane} stands still at offset {position:,}: see the brokers' health")
    except KafkaError as error:
        raise QueueUnavailable(f"{lane} can't be read: {error}") from error
    finally:
        await close_consumer(consumer, timeout_s)


async def _positioned(consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> None:
    await consumer.start()
    consumer.assign([partition])
    consumer.seek(partition, offset)


async def _position(consumer: AIOKafkaConsumer, partition: TopicPartition, timeout_s: float) -> int:
    try:
        async with asyncio.timeout(timeout_s):
            return int(await consumer.position(partition))
    except TimeoutError as error:
        raise QueueUnavailable(f"{partition} has no position since {timeout_s:g} s: see the brokers' health") from error
