"""Publishing to Kafka when it refuses, stands still, dies or is not there yet."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from deploy.local.kafka import Kafka
from deploy.local.ports import free_port
from shared.queue.base import Message, MessageTooLarge, NotStored, QueueFull, QueueUnavailable
from shared.queue.kafka import KafkaOptions, KafkaQueue, compression
from shared.queue.kafka.options import addresses
from shared.queue.kafka.producer import KafkaProducer
from tests.contract.engines import kafka_options
from tests.faults.processes import frozen
from tests.topics import topic_spec

SOON_S = 1.0
HASTY = kafka_options(publish_timeout_s=SOON_S, lost_after_s=4.0, retry_s=0.2)
StartKafka = Callable[..., Kafka]

PATIENT = replace(HASTY, publish_timeout_s=60.0, lost_after_s=60.0)
"""For what must succeed, however busy the machine is."""


@asynccontextmanager
async def producing(url: str, options: KafkaOptions = PATIENT) -> AsyncIterator[tuple[KafkaQueue, KafkaProducer]]:
    queue = KafkaQueue(url, options)
    producer = queue.producer()
    await producer.start()
    yield queue, producer
    await producer.stop()
    await queue.close()


@contextmanager
def standing_still(kafka: Kafka) -> Iterator[None]:
    assert kafka.pid
    with frozen(kafka.pid):
        yield


async def everything(queue: KafkaQueue, topic: str) -> list[Message]:
    lanes = await queue.lanes([topic])
    ends = await queue.end_offsets(lanes)
    return [m for lane in lanes async for chunk in queue.read(lane, 0, ends[lane]) for m in chunk]


async def until_published(producer: KafkaProducer, topic: str, value: bytes, within_s: float = 90.0) -> None:
    async with asyncio.timeout(within_s):
        while True:
            try:
                await producer.publish(topic, value)
            except QueueUnavailable:
                await asyncio.sleep(0.1)
            else:
                return


class TestRefusals:
    async def test_a_batch_that_kafka_refuses_costs_the_producer_and_nothing_else(
        self, kafka_url: str, topic_prefix: str
    ) -> None:
        topic = f"{topic_prefix}small"
        async with producing(kafka_url) as (queue, producer):
            await queue.create_topics([topic_spec(topic, partitions=1, max_message_bytes=10_000)])
            first = await producer.publish(topic, b"before")
            with pytest.raises(MessageTooLarge):
                await producer.publish(topic, os.urandom(20_000))
            after = [await producer.publish(topic, b"after") for _ in range(3)]
            assert [p.offset for p in after] == [first.offset + n for n in (1, 2, 3)]

    async def test_messages_that_were_refused_together_go_through_when_tried_again(
        self, kafka_url: str, topic_prefix: str
    ) -> None:
        topic = f"{topic_prefix}small"
        values = [os.urandom(3_000) for _ in range(12)]
        async with producing(kafka_url) as (queue, producer):
            await queue.create_topics([topic_spec(topic, partitions=1, max_message_bytes=10_000)])
            with pytest.raises(QueueUnavailable):  # not MessageTooLarge: none of them is
                await asyncio.gather(*(producer.publish(topic, value) for value in values))
            await asyncio.gather(*(until_published(producer, topic, value) for value in values))
            assert {message.value for message in await everything(queue, topic)} == set(values)

    async def test_a_limit_lowered_while_running_is_met_with_another_producer(
        self, kafka_url: str, topic_prefix: str
    ) -> None:
        topic = f"{topic_prefix}lowered"
        async with producing(kafka_url) as (queue, producer):
            await queue.create_topics([topic_spec(topic, partitions=2)])
            await producer.publish(topic, os.urandom(20_000))
            await _lower_limit(kafka_url, topic, 10_000)

            async def until_refused() -> None:  # the broker takes a setting over some time later
                for _ in range(50):
                    await producer.publish(topic, os.urandom(20_000))

            with pytest.raises(MessageTooLarge):
                await until_refused()
            await asyncio.gather(*(producer.publish(topic, b"fits", key=bytes([n])) for n in range(8)))  # both lanes

    async def test_the_largest_message_that_is_let_through_is_stored_even_if_it_does_not_compress(
        self, kafka_url: str, topic_prefix: str
    ) -> None:
        topic = f"{topic_prefix}large"
        async with producing(kafka_url, kafka_options()) as (queue, producer):
            await queue.create_topics([topic_spec(topic, partitions=1)])
            refused: list[str] = []
            for size in range(1_048_576, 1_048_000, -10):
                try:
                    await producer.publish(topic, os.urandom(size), key=b"k")
                    break
                except MessageTooLarge as error:
                    refused.append(str(error))
            assert 0 < len(refused) < 40
            assert not any("Kafka refused" in reason for reason in refused)

    async def test_a_topic_that_is_missing_is_unavailable_and_named_in_time(
        self, kafka_url: str, topic_prefix: str
    ) -> None:
        async with producing(kafka_url, HASTY) as (_, producer):
            with pytest.raises(QueueUnavailable, match=f"{topic_prefix}none.*sluice migrate"):
                await producer.publish(f"{topic_prefix}none", b"x")

    async def test_a_caller_that_is_cancelled_disturbs_nobody_in_its_batch(
        self, kafka_url: str, topic_prefix: str
    ) -> None:
        topic = f"{topic_prefix}logs"
        async with producing(kafka_url) as (queue, producer):
            await queue.create_topics([topic_spec(topic)])
            await producer.publish(topic, b"warm")
            calls = [asyncio.create_task(producer.publish(topic, b"%d" % n)) for n in range(10)]
            await asyncio.sleep(0)
            calls[4].cancel()
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            assert [isinstance(o, BaseException) for o in outcomes] == [n == 4 for n in range(10)]


class TestKafkaAway:
    async def test_start_returns_at_once_and_publishing_works_when_kafka_comes(
        self, own_kafka: StartKafka, tmp_path: Path
    ) -> None:
        port = free_port()
        async with producing(f"kafka://127.0.0.1:{port}", HASTY) as (queue, producer):
            with pytest.raises(QueueUnavailable):
                await producer.publish("logs", b"x")
            begun = time.monotonic()
            with pytest.raises(QueueUnavailable, match="can't be reached"):
                await producer.publish("logs", b"x")
            assert time.monotonic() - begun < SOON_S / 2, "with a failed try behind it there is nothing to wait for"
            with pytest.raises(QueueUnavailable):
                await queue.ping()
            own_kafka(port=port)
            await queue.create_topics([topic_spec("logs")])
            await until_published(producer, "logs", b"x")

    async def test_a_broker_that_stands_still_ends_publishing_in_time_and_takes_it_up_again(
        self, own_kafka: StartKafka
    ) -> None:
        kafka = own_kafka()
        async with producing(kafka.url, HASTY) as (queue, producer):
            await queue.create_topics([topic_spec("logs", partitions=1)])
            await until_published(producer, "logs", b"before")
            with standing_still(kafka):
                begun = time.monotonic()
                with pytest.raises(QueueUnavailable):
                    await queue.ping()
                assert time.monotonic() - begun < 20
                for n in range(3):
                    begun = time.monotonic()
                    with pytest.raises(QueueUnavailable) as ended:
                        await producer.publish("logs", b"during %d" % n)
                    assert (ended.type is NotStored) == (n > 0), "the first one was on its way"
                    assert SOON_S * 0.9 < time.monotonic() - begun < SOON_S + 5
            await until_published(producer, "logs", b"after")
            await queue.ping()
            stored = [message.value for message in await everything(queue, "logs")]
            assert stored[0] == b"before"
            assert stored[-1] == b"after"
            # The first was on its way and may be stored late; the others had not been sent when their callers left.
            assert set(stored) <= {b"before", b"during 0", b"after"}

    async def test_a_broker_that_was_killed_is_found_again(self, own_kafka: StartKafka) -> None:
        kafka = own_kafka()
        async with producing(kafka.url, HASTY) as (queue, producer):
            await queue.create_topics([topic_spec("logs")])
            for n in range(5):
                await until_published(producer, "logs", b"%d" % n)
            kafka.kill()
            with pytest.raises(QueueUnavailable):
                await producer.publish("logs", b"lost")
            kafka.start()
            await until_published(producer, "logs", b"after")
            values = [message.value for message in await everything(queue, "logs")]
            assert set(values) >= {b"%d" % n for n in range(5)} | {b"after"}

    async def test_after_a_long_silence_publishing_is_refused_at_once(self, own_kafka: StartKafka) -> None:
        kafka = own_kafka()
        async with producing(kafka.url, HASTY) as (queue, producer):
            await queue.create_topics([topic_spec("logs")])
            await until_published(producer, "logs", b"before")
            kafka.kill()
            async with asyncio.timeout(60):
                while True:
                    begun = time.monotonic()
                    with pytest.raises(QueueUnavailable):
                        await producer.publish("logs", b"during")
                    if time.monotonic() - begun < SOON_S / 2:
                        break
            kafka.start()
            await until_published(producer, "logs", b"after")

    async def test_what_is_in_flight_is_bounded_and_counts_until_kafka_answers(self, own_kafka: StartKafka) -> None:
        kafka = own_kafka()
        options = kafka_options(publish_timeout_s=SOON_S, max_in_flight_bytes=100_000)
        async with producing(kafka.url, options) as (queue, producer):
            await queue.create_topics([topic_spec("logs", partitions=1)])
            await until_published(producer, "logs", b"before")
            with standing_still(kafka):
                waiting = asyncio.create_task(producer.publish("logs", b"x" * 80_000))
                await asyncio.sleep(0.1)  # it is on its way
                with pytest.raises(QueueFull):
                    await producer.publish("logs", b"x" * 30_000)
                with pytest.raises(QueueUnavailable):
                    await waiting
                with pytest.raises(QueueFull):  # its caller has left, the memory is not free
                    await producer.publish("logs", b"x" * 30_000)
            await until_published(producer, "logs", b"x" * 90_000)

    async def test_stop_is_bounded_when_kafka_stands_still(self, own_kafka: StartKafka) -> None:
        kafka = own_kafka()
        options = kafka_options(publish_timeout_s=SOON_S, request_timeout_s=2.0)
        queue = KafkaQueue(kafka.url, options)
        await queue.create_topics([topic_spec("logs")])
        producer = queue.producer()
        await producer.start()
        await until_published(producer, "logs", b"before")
        with standing_still(kafka):
            caller = asyncio.create_task(producer.publish("logs", b"during"))
            await asyncio.sleep(0.1)
            async with asyncio.timeout(30):
                await producer.stop()
            with pytest.raises(QueueUnavailable):
                await caller
        await queue.close()


async def test_new_partitions_are_used_once_they_are_known(kafka_url: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}logs"
    async with producing(kafka_url) as (queue, producer):
        await queue.create_topics([topic_spec(topic, partitions=1)])
        await producer.publish(topic, b"before")
        async with _admin(kafka_url) as admin:
            await admin.create_partitions({topic: NewPartitions(3)})
        await producer._link.producer.client.force_metadata_update()  # type: ignore[union-attr]  # within 15 s
        await producer.publish(topic, b"notices")
        places = await asyncio.gather(*(producer.publish(topic, b"x", key=bytes([n])) for n in range(50)))
        assert {place.lane.partition for place in places} == {0, 1, 2}


async def test_stop_sends_what_was_accepted(kafka_url: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}logs"
    queue = KafkaQueue(kafka_url, kafka_options())
    await queue.create_topics([topic_spec(topic)])
    producer = queue.producer()
    await producer.start()
    await producer.publish(topic, b"warm")
    calls = [asyncio.create_task(producer.publish(topic, b"%d" % n)) for n in range(100)]
    await asyncio.sleep(0)
    await producer.stop()
    await asyncio.gather(*calls)
    assert len(await everything(queue, topic)) == 101
    with pytest.raises(QueueUnavailable):
        await producer.publish(topic, b"late")
    await queue.close()


def test_aiokafka_compresses_at_the_level_that_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    compressed: list[bytes] = []

    def encode(payload: bytes) -> bytes:
        compressed.append(bytes(payload))
        return zstd_encode(payload)

    zstd_encode = compression.zstd_encode
    monkeypatch.setattr(compression, "zstd_encode", encode)
    compression.use_fast_zstd()
    builder = DefaultRecordBatchBuilder(2, 4, False, -1, -1, 0, 1_000_000)
    builder.append(0, None, None, b"value" * 100, [])
    batch: Any = MemoryRecords(bytes(builder.build())).next_batch()
    assert [record.value for record in batch] == [b"value" * 100]
    assert len(compressed) == 1, "aiokafka takes its encoder from elsewhere: see shared/queue/kafka/compression.py"
    monkeypatch.undo()
    compression.use_fast_zstd()


async def _lower_limit(url: str, topic: str, limit: int) -> None:
    async with _admin(url) as admin:
        await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topic, configs={"max.message.bytes": str(limit)})]
        )


@asynccontextmanager
async def _admin(url: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=addresses(url))
    await admin.start()
    yield admin
    await admin.close()
