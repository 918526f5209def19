"""The gateway's publisher on each queue: a request larger than one message (delivery.md, "Chunks")."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from gateway.publisher import CHUNK_BYTES, Publisher
from gateway.rejections import TooLarge, Unavailable
from gateway.validation.parts import Part
from shared.envelope import Stamp, unseal
from shared.keys import ResolvedKey
from shared.metrics import Metrics
from shared.queue.base import Producer, Queue
from shared.registry import Registry, load
from tests.contract.conftest import MakeTopic

SIGNAL = load().signals["logs"]
LOGS = load().formats["deeptracer.logs"]
KEY = ResolvedKey(key_id="k", project_id="p", scopes=frozenset({"ingest"}))


class PublisherOfLogs:
    """A publisher of requests with one part, into one topic."""

    def __init__(self, producer: Any, topic: str) -> None:
        registry = Registry({"logs": replace(SIGNAL, name=topic)}, {LOGS.name: LOGS})
        self._publisher = Publisher(producer, registry, Metrics())

    async def publish(self, n: int, body: bytes, **fields: Any) -> None:
        await self._publisher.publish([Part(LOGS, body, n, **fields)], KEY, 1)


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
    await PublisherOfLogs(producer, topic).publish(100, body, event_ids=ids, service="s")
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
    publisher = PublisherOfLogs(producer, topic)
    with pytest.raises(TooLarge):
        await publisher.publish(4, records, service="s" * 400_000)
    assert await stored(queue, topic) == [[]]
    await publisher.publish(4, records, service="s" * 300_000)
    assert [stamp.n for stamp, _ in (await stored(queue, topic))[0]] == [1, 1, 2]


async def test_large_requests_spread_over_the_partitions(
    queue: Queue, producer: Producer, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=2)
    body = json.dumps(["x" * 300_000] * 4).encode()
    publisher = PublisherOfLogs(producer, topic)
    for _ in range(12):  # all of them in one partition: once in 2,048 times
        await publisher.publish(4, body)
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
    await PublisherOfLogs(watched, topic).publish(10, json.dumps(["x" * 400_000] * 10).encode())
    messages = [message for lane in await stored(queue, topic) for message in lane]
    assert len(acknowledged) == len(messages) == 5


async def test_one_chunk_that_fails_fails_the_request(queue: Queue, producer: Producer, make_topic: MakeTopic) -> None:
    topic = await make_topic()
    publisher = PublisherOfLogs(producer, topic)
    await publisher.publish(1, b'["warm"]')
    await producer.stop()
    with pytest.raises(Unavailable):
        await publisher.publish(10, json.dumps(["x" * 400_000] * 10).encode())
