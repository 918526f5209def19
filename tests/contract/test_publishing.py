"""The gateway's publisher on each queue: a request larger than one message (design 02, "The gateway's side")."""

import asyncio
import json
from typing import Any

import pytest

from gateway.publisher import CHUNK_BYTES, Publisher
from gateway.rejections import TooLarge, Unavailable
from shared.envelope import VERSION, Stamp, unseal
from shared.metrics import Metrics
from shared.queue.base import Producer, Queue
from tests.contract.conftest import MakeTopic


def stamp_of(n: int, **fields: Any) -> Stamp:
    return Stamp(v=VERSION, format="f", project_id="p", received_at=1, retention_days=30, n=n, **fields)


async def stored(queue: Queue, topic: str) -> list[list[tuple[Stamp, list[Any]]]]:
    """Per partition, what its messages hold, in order."""
    lanes = await queue.lanes([topic])
    begin, end = await queue.begin_offsets(lanes), await queue.end_offsets(lanes)
    found = []
    for lane in lanes:
        messages = [message async for some in queue.read(lane, begin[lane], end[lane]) for message in some]
        assert all(len(message.value) < 1_000_000 for message in messages)
        unsealed = [unseal(message.value) for message in messages]
        found.append([(stamp, json.loads(bytes(records))) for stamp, records in unsealed])
    return found


async def test_a_request_larger_than_a_message_is_stored_whole_in_order_in_one_partition(
    queue: Queue, producer: Producer, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=4)
    records = [{"n": n, "text": "x" * (n * 7919 % 100_000)} for n in range(100)]
    ids = tuple(f"e{n}" for n in range(100))
    body = json.dumps(records).encode()
    assert len(body) > 5 * CHUNK_BYTES
    await Publisher(producer, Metrics()).publish(topic, stamp_of(100, event_ids=ids, service="s"), body)
    [chunks] = [messages for messages in await stored(queue, topic) if messages]
    assert len(chunks) > 5
    assert [record for _, part in chunks for record in part] == records
    assert [name for stamp, _ in chunks for name in stamp.event_ids] == list(ids)
    assert all(stamp.n == len(part) == len(stamp.event_ids) and stamp.service == "s" for stamp, part in chunks)


async def test_a_request_of_which_one_message_is_too_large_is_refused_and_none_is_stored(
    queue: Queue, producer: Producer, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=1)
    records = json.dumps(["x" * 400_000] * 3 + ["x"]).encode()
    publisher = Publisher(producer, Metrics())
    with pytest.raises(TooLarge):
        await publisher.publish(topic, stamp_of(4, service="s" * 400_000), records)
    assert await stored(queue, topic) == [[]]
    await publisher.publish(topic, stamp_of(4, service="s" * 300_000), records)
    assert [stamp.n for stamp, _ in (await stored(queue, topic))[0]] == [1, 1, 2]


async def test_large_requests_spread_over_the_partitions(
    queue: Queue, producer: Producer, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=2)
    body = json.dumps(["x" * 300_000] * 4).encode()
    publisher = Publisher(producer, Metrics())
    for _ in range(12):  # all of them in one partition: once in 2,048 times
        await publisher.publish(topic, stamp_of(4), body)
    assert all(await stored(queue, topic))


async def test_it_returns_only_after_every_chunk_is_acknowledged(
    queue: Queue, producer: Producer, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    acknowledged = []

    class Watched:
        """The producer, and what it said was durable."""

        async def publish(self, topic: str, value: bytes, key: bytes | None = None) -> Any:
            where = await producer.publish(topic, value, key)
            await asyncio.sleep(0.05 * len(value) / CHUNK_BYTES)
            acknowledged.append(where)
            return where

    watched: Any = Watched()
    await Publisher(watched, Metrics()).publish(topic, stamp_of(10), json.dumps(["x" * 400_000] * 10).encode())
    messages = [message for lane in await stored(queue, topic) for message in lane]
    assert len(acknowledged) == len(messages) == 5


async def test_one_chunk_that_fails_fails_the_request(queue: Queue, producer: Producer, make_topic: MakeTopic) -> None:
    topic = await make_topic()
    publisher = Publisher(producer, Metrics())
    await publisher.publish(topic, stamp_of(1), b'["warm"]')
    await producer.stop()
    with pytest.raises(Unavailable):
        await publisher.publish(topic, stamp_of(10), json.dumps(["x" * 400_000] * 10).encode())
