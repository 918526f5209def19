"""Where a lane starts."""

import pytest

from shared.queue.base import Position
from writer.batch import plan_of
from writer.position import Start, lost_in, starting_point


@pytest.mark.parametrize(
    ("metadata", "end"), [('{"end":12}', 12), ("", 0), ("by hand", 0), ('{"end":5}', 0), ('{"end":"x"}', 0), ("{}", 0)]
)
def test_only_a_plan_that_lies_ahead_is_one(metadata: str, end: int) -> None:
    assert plan_of(Position(5, metadata)) == end


@pytest.mark.parametrize(
    ("committed", "begin", "end", "start"),
    [
        (None, 3, 9, Start(3)),
        (Position(5), 3, 9, Start(5)),
        (Position(5, '{"end":8}'), 3, 9, Start(5, exact_end=8)),
        (Position(5, '{"end":99}'), 3, 9, Start(5, exact_end=9)),
        (Position(9), 3, 9, Start(9)),
        (Position(10), 3, 9, Start(3, went_back=True)),
        (Position(10, '{"end":12}'), 3, 9, Start(3, went_back=True)),
        (Position(1), 3, 9, Start(3, lost=(1, 3))),
        (Position(1, '{"end":6}'), 3, 9, Start(3, exact_end=6, lost=(1, 3))),
        (Position(1, '{"end":3}'), 3, 9, Start(3, lost=(1, 3))),
    ],
)
def test_a_lane_goes_on_where_it_must(committed: Position | None, begin: int, end: int, start: Start) -> None:
    assert starting_point(committed, begin, end) == start


@pytest.mark.parametrize(
    ("known_end", "lost"), [(None, None), (0, (0, 30)), (12, (12, 30)), (29, (29, 30)), (30, None), (31, None)]
)
def test_without_a_position_the_gap_lies_behind_the_last_row(
    known_end: int | None, lost: tuple[int, int] | None
) -> None:
    assert starting_point(None, 30, 40, known_end) == Start(30, lost=lost)


@pytest.mark.parametrize("committed", [Position(1), Position(1, '{"end":6}'), Position(5, '{"end":8}')])
def test_the_start_is_committed_with_its_plan(committed: Position) -> None:
    start = starting_point(committed, 3, 9)
    assert start.position == Position(max(committed.offset, 3), committed.metadata)


def test_only_what_retention_took_is_a_gap_other_holes_are_not() -> None:
    assert lost_in([(5, 8)], begin=0) == []
    assert lost_in([(5, 8)], begin=7) == [(5, 7)]
    assert lost_in([(5, 8)], begin=20) == [(5, 8)]
    assert lost_in([(5, 8), (10, 30)], begin=30) == [(5, 8), (10, 30)]
