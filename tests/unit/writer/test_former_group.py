"""The group of before: what lanes go on from, and when they must wait for its writers."""

from collections.abc import Iterable
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from shared.queue.base import Lane, Position
from shared.queue.writer_groups import WriterGroups
from writer.former_group import FormerGroup, FormerGroupAtWork

OLD, NEW = Lane("logs", 0), Lane("logs", 1)
LEFT_AT = Position(7, '{"end":9}')


class Groups:
    """A queue that knows of groups only: `old` has a position in the lane OLD."""

    def __init__(self, members: int = 0, own: Position | None = None) -> None:
        self._members = members
        self._positions = {("old", OLD): LEFT_AT, ("old.logs", OLD): own}

    async def members(self, group: str) -> int:
        return self._members

    async def committed(self, group: str, lanes: Iterable[Lane]) -> dict[Lane, Position | None]:
        return {lane: self._positions.get((group, lane)) for lane in lanes}


def former(members: int = 0, name: str = "old") -> FormerGroup:
    return FormerGroup(cast(Any, Groups(members)), name)


async def test_a_lane_goes_on_with_its_plan_when_nobody_is_left() -> None:
    assert await former().position(OLD) == LEFT_AT


async def test_a_lane_waits_while_its_old_writers_run_and_says_what_to_do() -> None:
    with pytest.raises(FormerGroupAtWork, match=r"group 'old'.*members, 2: stop those writers"):
        await former(members=2).position(OLD)


async def test_a_lane_that_was_never_there_waits_for_nobody() -> None:
    assert await former(members=2).position(NEW) is None
    assert await former(members=2, name="").position(OLD) is None


@pytest.mark.parametrize(("members", "name", "lines"), [(1, "old", 1), (0, "old", 0), (1, "", 0)])
async def test_old_writers_beside_ours_are_an_error_in_the_log(members: int, name: str, lines: int) -> None:
    with capture_logs() as captured:
        await former(members, name).look()
    assert [line["log_level"] for line in captured] == ["error"] * lines


@pytest.mark.parametrize(("own", "seen"), [(None, LEFT_AT), (Position(8), Position(8))])
async def test_from_outside_a_lane_is_where_its_next_writer_starts(own: Position | None, seen: Position) -> None:
    groups, queue = WriterGroups("old.{signal}", {"logs": "logs"}), cast(Any, Groups(own=own))
    assert await groups.committed(queue, [OLD, NEW]) == {OLD: seen, NEW: None}
    assert await groups.left_over(queue, [OLD, NEW]) == ([] if own else [OLD])
