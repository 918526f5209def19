"""Memberships of a Kafka group that come and go."""

import asyncio
import dataclasses
import random
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from deploy.local.kafka import Kafka
from deploy.local.ports import free_port
from shared.queue.base import Fenced, Lane, Message, Position, QueueUnavailable
from shared.queue.kafka import KafkaQueue
from tests.contract.kafka_tools import OPTIONS, membership_of, publish
from tests.contract.members import Member, joined
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


class TestMembership:
    async def test_a_consumer_joins_when_kafka_comes(self, own_kafka: StartKafka) -> None:
        port = free_port()
        queue = KafkaQueue(f"kafka://127.0.0.1:{port}", OPTIONS)
        async with joined(queue, "writers", ["logs"]) as member:

            async def until_told() -> None:
                for _ in range(600):
                    await member.consumer.receive([], timeout_s=0.1)

            with pytest.raises(QueueUnavailable, match="can't be joined"):
                await until_told()
            own_kafka(port=port)
            await queue.create_topics([topic_spec("logs", partitions=1)])
            await _until_owning_despite_errors(member, 1)
        await queue.close()

    async def test_a_consumer_outlives_its_broker(self, own_kafka: StartKafka) -> None:
        kafka = own_kafka()
        queue = KafkaQueue(kafka.url, dataclasses.replace(OPTIONS, request_timeout_s=2.0))
        lane = Lane("logs", 0)
        await queue.create_topics([topic_spec("logs", partitions=1)])
        await publish(queue, "logs", 5)
        async with joined(queue, "writers", ["logs"]) as member:
            await member.until_owning(1)
            member.consumer.seek(lane, 0)
            await member.collect(5)
            epoch = member.consumer.epochs()[lane]
            await member.consumer.commit(lane, Position(5), epoch)
            kafka.kill()
            with pytest.raises(QueueUnavailable):
                await member.consumer.commit(lane, Position(5), epoch)
            with pytest.raises(QueueUnavailable):
                await member.consumer.committed([lane])
            kafka.start()
            await publish(queue, "logs", 5)
            await _commit_when_possible(member, lane, Position(5))
            member.consumer.seek(lane, 5)
            assert [message.offset for _, message in await member.collect(5)] == list(range(5, 10))
        await queue.close()

    async def test_stop_ends_in_time_and_in_order_when_kafka_is_away(self, own_kafka: StartKafka) -> None:
        kafka = own_kafka()
        queue = KafkaQueue(kafka.url, dataclasses.replace(OPTIONS, request_timeout_s=2.0))
        await queue.create_topics([topic_spec("logs", partitions=1)])
        tasks = asyncio.all_tasks()
        async with joined(queue, "writers", ["logs"]) as member:
            await member.until_owning(1)
            member.consumer.seek(Lane("logs", 0), 0)
            kafka.kill()
            await member.consumer.receive(member.lanes, timeout_s=1)
            async with asyncio.timeout(30):
                await member.consumer.stop()
            assert member.events[-1] == ("revoked", frozenset({Lane("logs", 0)}))
            assert member.lanes == []
        await queue.close()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() <= tasks, "nothing of it goes on"

    async def test_a_receive_that_is_cancelled_loses_no_message(
        self, queue: KafkaQueue, lane: Lane, topic_prefix: str
    ) -> None:
        async with joined(queue, f"{topic_prefix}writers", [lane.topic]) as member:
            await member.until_owning(1)
            member.consumer.seek(lane, 0)
            publishing = asyncio.create_task(publish(queue, lane.topic, 500, spread_s=1.0))
            offsets: list[int] = []
            cancelled = 0
            while len(offsets) < 500:
                call = asyncio.create_task(member.consumer.receive([lane], timeout_s=0.5, max_messages=7))
                await asyncio.wait({call}, timeout=random.random() / 100)
                call.cancel()
                try:
                    offsets += [message.offset for message in (await call).get(lane, [])]
                except asyncio.CancelledError:
                    cancelled += 1
            assert offsets == list(range(500))
            assert cancelled > 20
            await publishing

    async def test_a_member_that_does_not_receive_leaves_the_group(
        self, kafka_url: str, queue: KafkaQueue, lane: Lane, topic_prefix: str
    ) -> None:
        group = f"{topic_prefix}writers"
        impatient = KafkaQueue(kafka_url, dataclasses.replace(OPTIONS, max_poll_interval_s=1.5))
        async with joined(impatient, group, [lane.topic]) as stuck:
            await stuck.until_owning(1)
            member = membership_of(stuck)
            with pytest.raises(KafkaError):  # a poll that fails must not count as one that goes on for ever
                await _failing_poll(member)
            async with joined(queue, group, [lane.topic]) as other:
                await other.until_owning(1)
                assert stuck.lanes == []
        await impatient.close()

    async def test_a_member_whose_background_task_died_joins_again(
        self, queue: KafkaQueue, lane: Lane, topic_prefix: str
    ) -> None:
        async with joined(queue, f"{topic_prefix}writers", [lane.topic]) as member:
            await member.until_owning(1)
            before = member.consumer.epochs()[lane]

            async def die() -> bool:
                raise KafkaError("as it does after an answer it has no name for")

            membership_of(member)._consumer._coordinator._do_heartbeat = die
            await _until_owning_despite_errors(member, 1, lambda: member.consumer.epochs().get(lane, before) != before)
            with pytest.raises(Fenced):
                await member.consumer.commit(lane, Position(1), before)
            await member.consumer.commit(lane, Position(1), member.consumer.epochs()[lane])

    async def test_receive_ends_in_time_while_a_rebalance_is_under_way(
        self, queue: KafkaQueue, lane: Lane, topic_prefix: str
    ) -> None:
        async with joined(queue, f"{topic_prefix}writers", [lane.topic]) as member:
            await member.until_owning(1)
            member.consumer.seek(lane, 0)
            membership_of(member)._consumer._subscription.begin_reassignment()
            begun = time.monotonic()
            assert await member.consumer.receive([lane], timeout_s=0.3) == {}
            assert time.monotonic() - begun < 20, "a rebalance that nobody ends takes for ever"

    async def test_one_receive_takes_no_more_bytes_than_it_may(
        self, kafka_url: str, lane: Lane, topic_prefix: str
    ) -> None:
        queue = KafkaQueue(kafka_url, dataclasses.replace(OPTIONS, max_receive_bytes=2_000))
        await publish(queue, lane.topic, 3_000)
        async with joined(queue, f"{topic_prefix}writers", [lane.topic]) as member:
            await member.until_owning(1)
            member.consumer.seek(lane, 0)
            received: dict[Lane, list[Message]] = {}
            while not received:
                received = await member.consumer.receive([lane], timeout_s=1, max_messages=3_000)
            assert 2_000 <= sum(len(message.value) for message in received[lane]) < 2_500
            rest = await member.collect(3_000 - len(received[lane]))
            assert rest[0][1].offset == received[lane][-1].offset + 1
        await queue.close()


async def test_the_private_parts_of_aiokafka_that_are_used_are_there(
    queue: KafkaQueue, lane: Lane, topic_prefix: str
) -> None:
    """See shared/queue/kafka/membership.py and link.py: check them when aiokafka's pin is raised."""
    producer = AIOKafkaProducer(enable_idempotence=True)
    assert producer._sender._txn_manager is not None
    await producer.stop()
    async with joined(queue, f"{topic_prefix}writers", [lane.topic]) as member:
        await member.until_owning(1)
        consumer = membership_of(member)._consumer
        coordinator = consumer._coordinator
        assert coordinator.generation == 1
        assert coordinator.member_id
        assert not coordinator._coordination_task.done()
        assert not coordinator._heartbeat_task.done()
        assert not coordinator._commit_refresh_task.done()
        assert not consumer._fetcher._fetch_task.done()
        assert consumer._subscription._fetch_count == 0
        assert all(map(callable, (coordinator._send_req, coordinator.coordinator_dead, coordinator.reset_generation)))
        assert callable(consumer._client.close)


async def _failing_poll(membership: Any) -> None:
    membership._consumer._coordinator._pending_exception = KafkaError("injected")
    await membership.poll([], 0.1, 1)


async def _until_owning_despite_errors(
    member: Member, count: int, also: Callable[[], bool] = lambda: True, within_s: float = 90.0
) -> None:
    async with asyncio.timeout(within_s):
        while len(member.lanes) != count or not also():
            try:
                await member.consumer.receive([], timeout_s=0.1)
            except QueueUnavailable:
                await asyncio.sleep(0.1)


async def _commit_when_possible(member: Member, lane: Lane, position: Position, within_s: float = 90.0) -> None:
    async with asyncio.timeout(within_s):
        while True:
            await member.consumer.receive([], timeout_s=0.2)
            if lane in member.lanes:
                try:
                    return await member.consumer.commit(lane, position, member.consumer.epochs()[lane])
                except (QueueUnavailable, Fenced):
                    continue
