"""What is Kafka's alone: its topics and offsets, retention, transactions."""

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Callable

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.structs import TopicPartition

from deploy.local.kafka import Kafka
from shared.queue.base import Lane, Message, QueueError, QueueUnavailable, UnfitTopic
from shared.queue.first_times import FirstTimes, Sample
from shared.queue.kafka import KafkaQueue
from shared.queue.kafka.options import addresses
from shared.settings import BadSetting
from tests.contract.kafka_tools import OPTIONS, begun, publish, transacting
from tests.contract.members import joined
from tests.topics import topic_spec

StartKafka = Callable[..., Kafka]


@pytest.fixture
async def queue(kafka_url: str) -> AsyncIterator[KafkaQueue]:
    queue = KafkaQueue(kafka_url, OPTIONS)
    yield queue
    await queue.close()


@pytest.fixture
async def lane(queue: KafkaQueue, topic_prefix: str) -> Lane:
    """The only lane of a fresh topic."""
    await queue.create_topics([topic_spec(f"{topic_prefix}logs", partitions=1)])
    return Lane(f"{topic_prefix}logs", 0)


@pytest.fixture
async def admin(kafka_url: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=addresses(kafka_url))
    await admin.start()
    yield admin
    await admin.close()


async def read(queue: KafkaQueue, lane: Lane, first: int, end: int) -> list[Message]:
    async with asyncio.timeout(60):
        return [message async for chunk in queue.read(lane, first, end) for message in chunk]


class TestTopics:
    async def test_topics_have_the_settings_that_replay_and_dead_letters_rely_on(
        self, queue: KafkaQueue, admin: AIOKafkaAdminClient, topic_prefix: str
    ) -> None:
        logs, letters = f"{topic_prefix}logs", f"{topic_prefix}logs.dlq"
        await queue.create_topics(
            [
                topic_spec(logs, partitions=3, retention_ms=60_000, max_message_bytes=2_000_000),
                topic_spec(letters, partitions=1, compacted=True),
            ]
        )
        found = await _settings(admin, logs)
        assert found["message.timestamp.type"] == "LogAppendTime"
        assert found["retention.ms"] == "60000"
        assert found["max.message.bytes"] == "2000000"
        assert found["cleanup.policy"] == "delete"
        assert (await _settings(admin, letters))["cleanup.policy"] == "compact"
        assert await queue.lanes([logs, letters, f"{topic_prefix}none"]) == [
            *(Lane(logs, partition) for partition in range(3)),
            Lane(letters, 0),
        ]

    async def test_each_missing_topic_is_made_by_one_of_two_at_once(self, queue: KafkaQueue, topic_prefix: str) -> None:
        specs = [topic_spec(f"{topic_prefix}{n}", partitions=1) for n in range(6)]
        made = await asyncio.gather(*(queue.create_topics(specs) for _ in range(3)))
        assert sorted(name for names in made for name in names) == [spec.name for spec in specs]

    async def test_a_topic_that_kafka_does_not_want_is_named_with_kafkas_reason(self, queue: KafkaQueue) -> None:
        with pytest.raises(QueueError, match=r"InvalidTopic.*'no good!' was not made") as raised:
            await queue.create_topics([topic_spec("no good!")])
        assert not isinstance(raised.value, QueueUnavailable)

    async def test_topics_that_do_not_fit_our_messages_are_named_with_what_to_do(
        self, queue: KafkaQueue, topic_prefix: str
    ) -> None:
        small, fine, none = (f"{topic_prefix}{name}" for name in ("small", "fine", "none"))
        await queue.create_topics([topic_spec(small, max_message_bytes=500_000), topic_spec(fine)])
        assert await queue.check_topics([fine]) == []
        with pytest.raises(UnfitTopic) as raised:
            await queue.check_topics([small, fine, none])
        assert f"--topic {small} --add-config max.message.bytes=1048576" in str(raised.value)
        assert fine not in str(raised.value)


class TestOffsets:
    async def test_an_offset_that_retention_has_passed_goes_on_from_the_earliest(
        self, queue: KafkaQueue, admin: AIOKafkaAdminClient, lane: Lane, topic_prefix: str
    ) -> None:
        await publish(queue, lane.topic, 20)
        await admin.delete_records({TopicPartition(*lane): RecordsToDelete(before_offset=12)})
        assert await queue.begin_offsets([lane]) == {lane: 12}
        async with joined(queue, f"{topic_prefix}writers", [lane.topic]) as member:
            await member.until_owning(1)
            member.consumer.seek(lane, 5)
            assert [message.offset for _, message in await member.collect(8)] == list(range(12, 20))
        assert [message.offset for message in await read(queue, lane, 5, 15)] == [12, 13, 14]
        assert await read(queue, lane, 5, 12) == []

    async def test_a_range_ends_at_a_hole_and_beyond_the_last_message(
        self, kafka_url: str, queue: KafkaQueue, lane: Lane
    ) -> None:
        """A transaction takes an offset for its end, which no message ever has."""
        await publish(queue, lane.topic, 3)
        await _transaction(kafka_url, lane, [b"a", b"b"])
        await _transaction(kafka_url, lane, [b"c"])
        for _ in range(1200):  # the end of a transaction is written a little later
            end = (await queue.end_offsets([lane]))[lane]
            await asyncio.sleep(0.05 if end < 8 else 0)
        assert end == 8
        begun = time.monotonic()
        assert [message.offset for message in await read(queue, lane, 0, end)] == [0, 1, 2, 3, 4, 6]
        assert [message.offset for message in await read(queue, lane, 4, 1_000)] == [4, 6]
        assert await read(queue, lane, 5, 6) == []
        assert await read(queue, lane, 7, 8) == []
        assert await read(queue, lane, 8, 9) == []
        assert time.monotonic() - begun < 30

    async def test_an_aborted_transaction_is_a_hole_and_an_open_one_ends_the_lane(
        self, kafka_url: str, queue: KafkaQueue, lane: Lane, topic_prefix: str
    ) -> None:
        await publish(queue, lane.topic, 3)
        async with transacting(kafka_url, lane) as producer:
            await begun(producer, lane, [b"aborted", b"too"])
            await producer.abort_transaction()
            await begun(producer, lane, [b"stored"])
            await producer.commit_transaction()
            await begun(producer, lane, [b"open", b"too"])
            await publish(queue, lane.topic, 1)
            assert await queue.end_offsets([lane]) == await queue.offsets_at([lane], 2**42) == {lane: 8}
            assert await queue.high_watermarks([lane]) == {lane: 11}
            assert [message.offset for message in await read(queue, lane, 0, 11)] == [0, 1, 2, 6]
            everything = [message async for chunk in queue.read(lane, 0, 11, undecided=True) for message in chunk]
            assert [message.offset for message in everything] == [0, 1, 2, 3, 4, 6, 8, 9, 10]
            times = FirstTimes(queue)
            for next in (7, 8):  # 7 is where the transaction before has its end
                assert await times.of([(lane, Sample(0, next, 8, 11))]) == {lane: everything[6].timestamp_ms}
            async with joined(queue, f"{topic_prefix}writers", [lane.topic]) as member:
                await member.until_owning(1)
                member.consumer.seek(lane, 0)
                assert [message.offset for _, message in await member.collect(4)] == [0, 1, 2, 6]
                await producer.commit_transaction()
                assert [message.offset for _, message in await member.collect(3)] == [8, 9, 10]
        assert await queue.end_offsets([lane]) == {lane: 12}
        assert await times.of([(lane, Sample(0, 11, 12, 12))]) == {}
        await publish(queue, lane.topic, 1)
        (last,) = await read(queue, lane, 11, 13)
        assert await times.of([(lane, Sample(0, 11, 13, 13))]) == {lane: last.timestamp_ms}

    async def test_reading_ends_as_unavailable_when_kafka_goes_away(self, own_kafka: StartKafka) -> None:
        kafka = own_kafka()
        patient, queue = (KafkaQueue(kafka.url, dataclasses.replace(OPTIONS, request_timeout_s=s)) for s in (60, 3.0))
        await queue.create_topics([topic_spec("logs", partitions=1)])
        await publish(patient, "logs", 2000, more_bytes=2000)  # more than is fetched at once
        chunks = queue.read(Lane("logs", 0), 0, 2000)
        assert await anext(chunks)
        kafka.kill()
        async with asyncio.timeout(60):
            with pytest.raises(QueueUnavailable):
                [chunk async for chunk in chunks]
        await queue.close()
        await patient.close()


class TestAddresses:
    @pytest.mark.parametrize("url", ["kafka://one:9092,two:9093", "one:9092,two:9093", "kafka://one:9092,two:9093/"])
    def test_an_address_may_be_a_url_of_several_brokers(self, url: str) -> None:
        assert addresses(url) == "one:9092,two:9093"

    @pytest.mark.parametrize("url", ["", "kafka://", "http://one:9092"])
    def test_what_is_no_address_is_refused_with_an_example(self, url: str) -> None:
        with pytest.raises(BadSetting, match="kafka://host:9092"):
            KafkaQueue(url, OPTIONS)


async def _settings(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    ((_, _, _, _, entries),) = answer.resources
    return {name: value for name, value, *_ in entries}


async def _transaction(url: str, lane: Lane, values: list[bytes]) -> None:
    async with transacting(url, lane) as producer:
        await begun(producer, lane, values)
        await producer.commit_transaction()
