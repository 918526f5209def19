"""The fenced commit of the Kafka queue: what aiokafka's own would get wrong (delivery.md, "The fenced commit")."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import errors
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.group import LeaveGroupRequest

from shared.queue.base import Epoch, Fenced, Lane, Position, QueueError, QueueUnavailable
from shared.queue.kafka import KafkaQueue
from shared.queue.kafka import admin as kafka_admin
from shared.queue.kafka.commit import commit_once
from shared.queue.kafka.options import addresses
from tests.contract.kafka_tools import OPTIONS, membership_of
from tests.contract.members import Member, joined
from tests.topics import topic_spec


@pytest.fixture
async def queue(kafka_url: str) -> AsyncIterator[KafkaQueue]:
    queue = KafkaQueue(kafka_url, OPTIONS)
    yield queue
    await queue.close()


@pytest.fixture
async def lanes(queue: KafkaQueue, topic_prefix: str) -> list[Lane]:
    """The two lanes of a fresh topic."""
    await queue.create_topics([topic_spec(f"{topic_prefix}logs", partitions=2)])
    return await queue.lanes([f"{topic_prefix}logs"])


class Faulty:
    """Stands between one consumer and the coordinator, for its commits only."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._send = membership_of(member).send
        membership_of(member).send = self

    async def __call__(self, request: Any) -> Any:
        return await self._send(request)


class HeldUp(Faulty):
    """The requests are on their way, and stay there until the gate opens. Then they fail or arrive."""

    def __init__(self, member: Member, fault: errors.KafkaError | None = None) -> None:
        super().__init__(member)
        self.gate = asyncio.Event()
        self.fault = fault

    async def __call__(self, request: Any) -> Any:
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return await super().__call__(request)


class Lost(Faulty):
    """The first request never arrives."""

    lost = 0

    async def __call__(self, request: Any) -> Any:
        self.lost += 1
        if self.lost == 1:
            raise errors.RequestTimedOutError()
        return await super().__call__(request)


async def test_a_commit_held_up_across_a_rebalance_does_not_rewind_the_new_owner(
    queue: KafkaQueue, lanes: list[Lane], topic_prefix: str
) -> None:
    group = f"{topic_prefix}writers"
    async with joined(queue, group, [lanes[0].topic]) as old:
        await old.until_owning(2)
        before = dict(old.consumer.epochs())
        way = HeldUp(old)
        late = {lane: asyncio.create_task(old.consumer.commit(lane, Position(10), before[lane])) for lane in lanes}
        async with joined(queue, group, [lanes[0].topic]) as new:
            await asyncio.gather(old.until_owning(1), new.until_owning(1))
            (moved,) = new.lanes
            await new.consumer.commit(moved, Position(50, "mine"), new.consumer.epochs()[moved])
            way.gate.set()
            for lane in lanes:
                with pytest.raises(Fenced):
                    await late[lane]
            assert (await queue.committed(group, [moved]))[moved] == Position(50, "mine")
            # The refusal was about an epoch that is over: the present one must have survived it.
            (kept,) = old.lanes
            await old.consumer.commit(kept, Position(20), old.consumer.epochs()[kept])


async def test_a_retriable_error_across_a_rebalance_does_not_rewind_the_new_owner(
    queue: KafkaQueue, lanes: list[Lane], topic_prefix: str
) -> None:
    group = f"{topic_prefix}writers"
    async with joined(queue, group, [lanes[0].topic]) as old:
        await old.until_owning(2)
        before = dict(old.consumer.epochs())
        way = HeldUp(old, errors.RequestTimedOutError())
        late = {lane: asyncio.create_task(old.consumer.commit(lane, Position(10), before[lane])) for lane in lanes}
        async with joined(queue, group, [lanes[0].topic]) as new:
            await asyncio.gather(old.until_owning(1), new.until_owning(1))
            (moved,) = new.lanes
            await new.consumer.commit(moved, Position(50), new.consumer.epochs()[moved])
            way.gate.set()
            with pytest.raises(QueueUnavailable):
                await late[moved]  # not sent again by itself, as aiokafka's own commit() would
            way.fault = None
            with pytest.raises(Fenced):
                await old.consumer.commit(moved, Position(10), before[moved])
            assert (await queue.committed(group, [moved]))[moved] == Position(50)
            await asyncio.gather(*late.values(), return_exceptions=True)


async def test_a_commit_that_failed_before_a_rebalance_is_fenced_when_tried_again_after_it(
    queue: KafkaQueue, lanes: list[Lane], topic_prefix: str
) -> None:
    group = f"{topic_prefix}writers"
    async with joined(queue, group, [lanes[0].topic]) as old:
        await old.until_owning(2)
        before = dict(old.consumer.epochs())
        way = Lost(old)
        with pytest.raises(QueueUnavailable):
            await old.consumer.commit(lanes[0], Position(10), before[lanes[0]])
        assert way.lost == 1, "one call, one try"
        async with joined(queue, group, [lanes[0].topic]) as new:
            await asyncio.gather(old.until_owning(1), new.until_owning(1))
            for lane in lanes:
                with pytest.raises(Fenced):
                    await old.consumer.commit(lane, Position(10), before[lane])
        assert set((await queue.committed(group, lanes)).values()) == {None}


async def test_a_commit_that_failed_without_a_rebalance_may_be_tried_again(
    queue: KafkaQueue, lanes: list[Lane], topic_prefix: str
) -> None:
    async with joined(queue, f"{topic_prefix}writers", [lanes[0].topic]) as member:
        await member.until_owning(2)
        epoch = member.consumer.epochs()[lanes[0]]
        Lost(member)
        with pytest.raises(QueueUnavailable):
            await member.consumer.commit(lanes[0], Position(10), epoch)
        await member.consumer.commit(lanes[0], Position(10), epoch)
        assert await member.consumer.committed([lanes[0]]) == {lanes[0]: Position(10)}


async def test_a_commit_without_an_answer_ends_in_time(kafka_url: str, lanes: list[Lane], topic_prefix: str) -> None:
    queue = KafkaQueue(kafka_url, dataclasses.replace(OPTIONS, commit_timeout_s=0.3))
    async with joined(queue, f"{topic_prefix}writers", [lanes[0].topic]) as member:
        await member.until_owning(2)
        HeldUp(member)
        async with asyncio.timeout(20):
            with pytest.raises(QueueUnavailable):
                await member.consumer.commit(lanes[0], Position(10), member.consumer.epochs()[lanes[0]])
    await queue.close()


async def test_a_member_that_the_group_has_forgotten_is_fenced_and_joins_again(
    kafka_url: str, queue: KafkaQueue, lanes: list[Lane], topic_prefix: str
) -> None:
    group = f"{topic_prefix}writers"
    queue = KafkaQueue(kafka_url, dataclasses.replace(OPTIONS, heartbeat_s=5.0))  # it learns it from the commit
    async with joined(queue, group, [lanes[0].topic]) as member:
        await member.until_owning(2)
        forgotten = member.consumer.epochs()[lanes[0]]
        await _throw_out(kafka_url, group, forgotten.member)
        with pytest.raises(Fenced):
            await member.consumer.commit(lanes[0], Position(10), forgotten)
        await member.until(lambda: member.consumer.epochs().get(lanes[0], forgotten) != forgotten)
        await member.consumer.commit(lanes[0], Position(10), member.consumer.epochs()[lanes[0]])
    await queue.close()


LANE, EPOCH = Lane("logs", 0), Epoch(7, "me", 1)


class Answering:
    """A coordinator that answers a commit with an error code, which a single broker can't be brought to."""

    def __init__(self, code: int) -> None:
        self._code = code
        self.looked_up = False
        self.joined_again: tuple[int, str] | None = None

    async def send(self, request: Any) -> Any:
        return SimpleNamespace(topics=[(LANE.topic, [(LANE.partition, self._code)])])

    def look_up_coordinator(self) -> None:
        self.looked_up = True

    def join_again(self, generation: int, member_id: str) -> None:
        self.joined_again = (generation, member_id)


@pytest.mark.parametrize("code", [22, 25, 27, 82])
async def test_an_epoch_that_kafka_does_not_know_is_fenced_and_the_group_joined_again(code: int) -> None:
    coordinator = Answering(code)
    with pytest.raises(Fenced):
        await commit_once(coordinator, "g", LANE, Position(1), EPOCH, timeout_s=30)
    assert coordinator.joined_again == (7, "me")


@pytest.mark.parametrize(("code", "looked_up"), [(15, True), (16, True), (7, True), (14, False), (3, False)])
async def test_a_coordinator_that_moves_or_loads_is_unavailable(code: int, looked_up: bool) -> None:
    coordinator = Answering(code)
    with pytest.raises(QueueUnavailable):
        await commit_once(coordinator, "g", LANE, Position(1), EPOCH, timeout_s=30)
    assert coordinator.looked_up == looked_up
    assert coordinator.joined_again is None


async def test_metadata_that_no_try_will_store_is_neither_fenced_nor_unavailable(
    queue: KafkaQueue, lanes: list[Lane], topic_prefix: str
) -> None:
    async with joined(queue, f"{topic_prefix}writers", [lanes[0].topic]) as member:
        await member.until_owning(2)
        too_long = Position(1, "x" * 5000)
        with pytest.raises(QueueError) as raised:
            await member.consumer.commit(lanes[0], too_long, member.consumer.epochs()[lanes[0]])
        assert raised.type is QueueError


async def test_a_coordinator_that_is_loading_is_not_taken_for_nothing_committed() -> None:
    class Loading:
        async def coordinator_lookup(self, *_: Any) -> int:
            return 1

        async def send(self, *_: Any) -> Any:
            return SimpleNamespace(error_code=errors.GroupLoadInProgressError.errno, topics=[])

    with pytest.raises(errors.GroupLoadInProgressError):
        await kafka_admin.fetch_committed(Loading(), "g", [LANE])


async def _throw_out(url: str, group: str, member_id: str) -> None:
    """As Kafka does it itself with a member that was silent for too long."""
    client = AIOKafkaClient(bootstrap_servers=addresses(url))
    await client.bootstrap()
    node = await client.coordinator_lookup(0, group)
    answer = await client.send(node, LeaveGroupRequest(group, member_id))
    assert answer.error_code == 0
    await client.close()
