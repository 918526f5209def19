"""Two groups that may have a lane: which position it goes on from, and when it waits for the other's writers."""

from collections.abc import Iterable
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from shared.queue.base import Lane, Position, QueueError
from shared.queue.writer_groups import WriterGroups
from writer.handover import Handover, OtherGroupAtWork

LANE, NEW = Lane("logs", 0), Lane("logs", 1)
LEFT_AT = Position(7, '{"end":9}')
ONE, EACH = "old", "old.{signal}"


class Groups:
    """A queue that knows of groups only: in LANE the groups `old` and `old.logs` have these positions, and one of them
    has members."""

    def __init__(self, one: Position | None, each: Position | None = None, members: int = 0) -> None:
        self._positions = {("old", LANE): one, ("old.logs", LANE): each}
        self._members = members

    async def members(self, group: str, topic: str) -> int:
        return self._members

    async def committed(self, group: str, lanes: Iterable[Lane]) -> dict[Lane, Position | None]:
        return {lane: self._positions.get((group, lane)) for lane in lanes}


class Closed(Groups):
    """It shows other groups to nobody."""

    async def members(self, group: str, topic: str) -> int:
        raise QueueError("GroupAuthorizationFailed")


def handover(queue: Groups, name: str = EACH) -> Handover:
    return Handover(cast(Any, queue), WriterGroups(name, {"logs": "logs"}))


async def test_a_lane_goes_on_with_the_plan_of_the_group_before_when_nobody_is_left_there() -> None:
    assert await handover(Groups(LEFT_AT)).position(LANE, None) == LEFT_AT
    assert await handover(Groups(None, LEFT_AT), ONE).position(LANE, None) == LEFT_AT, "and back"
    assert await handover(Groups(LEFT_AT)).position(NEW, None) is None


@pytest.mark.parametrize("lane", [LANE, NEW])
@pytest.mark.parametrize(("name", "other"), [(EACH, "old"), (ONE, "old.logs")])
async def test_a_lane_without_a_position_waits_while_others_may_write_it(name: str, other: str, lane: Lane) -> None:
    """A lane in which the others have committed nothing, too: they own it since before its first message."""
    with pytest.raises(OtherGroupAtWork, match=rf"group '{other}'.*members, 2: stop those writers"):
        await handover(Groups(LEFT_AT, LEFT_AT, members=2), name).position(lane, None)


@pytest.mark.parametrize(
    ("own", "goes_on"), [(Position(6), False), (Position(7), False), (LEFT_AT, False), (Position(8), True)]
)
async def test_of_two_groups_with_members_the_one_ahead_writes(own: Position, goes_on: bool) -> None:
    """Taken over and written back and forth: an old position of ours says nothing about who is at work."""
    one = handover(Groups(LEFT_AT, own, members=1)).position(LANE, own)
    if goes_on:
        assert await one == own
    else:
        with pytest.raises(OtherGroupAtWork):
            await one


async def test_an_own_position_is_never_moved() -> None:
    """However far the other group is: what an operator has set back is read again."""
    assert await handover(Groups(LEFT_AT, Position(2))).position(LANE, Position(2)) == Position(2)
    assert await handover(Groups(None, members=3)).position(LANE, Position(2)) == Position(2)


async def test_who_may_not_see_groups_of_signals_has_none() -> None:
    assert await handover(Closed(None), ONE).position(LANE, None) is None
    with pytest.raises(QueueError, match="group 'old' may have had this lane: let us describe it"):
        await handover(Closed(None)).position(LANE, None)


async def test_groups_of_another_form_have_no_other() -> None:
    assert await handover(Groups(LEFT_AT, members=2), "{signal}-old").position(LANE, None) is None


@pytest.mark.parametrize(("members", "name", "lines"), [(1, EACH, 1), (0, EACH, 0), (1, ONE, 0)])
async def test_old_writers_beside_ours_are_an_error_in_the_log(members: int, name: str, lines: int) -> None:
    with capture_logs() as captured:
        await handover(Groups(None, members=members), name).look()
    assert [line["log_level"] for line in captured] == ["error"] * lines


@pytest.mark.parametrize(("own", "seen"), [(None, LEFT_AT), (Position(8), Position(8))])
async def test_from_outside_a_lane_is_where_its_next_writer_starts(own: Position | None, seen: Position) -> None:
    groups, queue = WriterGroups(EACH, {"logs": "logs"}), cast(Any, Groups(LEFT_AT, own))
    assert await groups.committed(queue, [LANE, NEW]) == {LANE: seen, NEW: None}
    assert await groups.left_over(queue, [LANE, NEW]) == ([] if own else [LANE])
