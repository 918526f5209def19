"""Groups as a whole: listed, and forgotten when they are gone for good. On both queues."""

from collections.abc import Awaitable, Callable

import pytest

from shared.queue.base import Group, GroupInUse, Lane, Position, Queue, UnknownGroup
from tests.contract.members import joined

MakeTopic = Callable[..., Awaitable[str]]


async def test_a_group_is_forgotten_only_when_its_last_member_has_gone(
    queue: Queue, make_topic: MakeTopic, group: str
) -> None:
    lane = Lane(await make_topic(partitions=1), 0)
    async with joined(queue, group, [lane.topic]) as member:
        await member.until_owning(1)
        await member.consumer.commit(lane, Position(0, "mine"), member.consumer.epochs()[lane])
        assert Group(group, 1) in await queue.groups()
        assert await queue.members(group, lane.topic) == 1
        assert await queue.members(group, f"{lane.topic}-other") == 0, "it reads another topic"
        with pytest.raises(GroupInUse, match=group):
            await queue.forget_group(group)
        assert await queue.committed(group, [lane]) == {lane: Position(0, "mine")}
    assert Group(group, 0) in await queue.groups()
    assert await queue.members(group, lane.topic) == 0
    await queue.forget_group(group)
    assert group not in [each.name for each in await queue.groups()]
    assert await queue.committed(group, [lane]) == {lane: None}


async def test_a_group_that_nobody_knows_is_not_forgotten(queue: Queue, make_topic: MakeTopic, group: str) -> None:
    topic = await make_topic(partitions=1)
    assert await queue.members(group, topic) == 0
    with pytest.raises(UnknownGroup, match=group):
        await queue.forget_group(group)


async def test_a_forgotten_group_begins_anew(queue: Queue, make_topic: MakeTopic, group: str) -> None:
    lane = Lane(await make_topic(partitions=1), 0)
    for _ in range(2):
        async with joined(queue, group, [lane.topic]) as member:
            await member.until_owning(1)
            assert await member.consumer.committed([lane]) == {lane: None}
            await member.consumer.commit(lane, Position(0, "again"), member.consumer.epochs()[lane])
        await queue.forget_group(group)
