"""Which offsets an operator's command covers (writer/ops/ranges.py)."""

from datetime import UTC, datetime

import pytest
import typer

from shared.queue.base import Lane
from shared.queue.lane_state import LaneState
from shared.signals.logs import SIGNAL
from writer.ops.operator import wanted_of
from writer.ops.ranges import Wanted, cut, parse_moment, parse_offsets, part_of_gap

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
NOON_MS = int(NOW.timestamp() * 1000)
LANE = Lane("logs", 0)


@pytest.mark.parametrize(
    ("state", "since", "until", "offsets", "covered"),
    [
        (LaneState(0, 10, 20), None, None, None, (0, 10)),
        (LaneState(4, 10, 20), None, None, None, (4, 10)),
        (LaneState(0, None, 20), None, None, None, (0, 0)),
        (LaneState(5, None, 20), None, None, None, (5, 5)),
        (LaneState(5, 3, 20), None, None, None, (5, 5)),
        (LaneState(2, 25, 20), None, None, None, (2, 2)),
        (LaneState(0, 10, 20), 3, 7, None, (3, 7)),
        (LaneState(0, 10, 20), 3, 15, None, (3, 10)),
        (LaneState(0, 10, 20), 12, 15, None, (12, 12)),
        (LaneState(2, 10, 20), None, None, (0, 5), (2, 6)),
        (LaneState(2, 10, 20), None, None, (8, 99), (8, 10)),
        (LaneState(2, 10, 20), 4, 7, (5, 99), (5, 7)),
    ],
)
def test_a_range_is_what_was_asked_for_as_far_as_it_is_there_and_committed(
    state: LaneState, since: int | None, until: int | None, offsets: tuple[int, int] | None, covered: tuple[int, int]
) -> None:
    made = cut(SIGNAL, LANE, state, since, until, offsets)
    assert (made.first, made.end) == covered
    assert len(made) == covered[1] - covered[0]


@pytest.mark.parametrize(
    ("state", "since", "offsets", "lost"),
    [
        (LaneState(10, 3, 20), None, None, (3, 10)),
        (LaneState(10, 10, 20), None, None, (0, 0)),
        (LaneState(10, None, 20), None, None, (0, 0)),
        (LaneState(10, 25, 20), None, None, (0, 0)),
        (LaneState(10, 3, 20), 10, None, (3, 10)),
        (LaneState(10, 3, 20), 11, None, (0, 0)),
        (LaneState(10, 3, 20), None, (5, 7), (5, 8)),
        (LaneState(10, 3, 20), None, (10, 12), (0, 0)),
    ],
)
def test_what_retention_took_before_a_writer_came_is_lost(
    state: LaneState, since: int | None, offsets: tuple[int, int] | None, lost: tuple[int, int]
) -> None:
    assert cut(SIGNAL, LANE, state, since, None, offsets).lost == lost


def test_a_gap_counts_where_its_offsets_or_the_time_of_its_notice_were_asked_for() -> None:
    gap = (10, 20)
    assert part_of_gap(gap, 500, Wanted()) == gap
    assert part_of_gap(gap, 500, Wanted(from_ms=500, to_ms=501)) == gap
    assert part_of_gap(gap, 500, Wanted(from_ms=501)) == (0, 0)
    assert part_of_gap(gap, 500, Wanted(to_ms=500)) == (0, 0)
    assert part_of_gap(gap, 500, Wanted(offsets=(0, 10))) == (10, 11)
    assert part_of_gap(gap, 500, Wanted(offsets=(20, 30))) == (0, 0)


@pytest.mark.parametrize(
    ("text", "moment_ms"),
    [
        ("2026-01-15T12:00:00Z", NOON_MS),
        ("2026-01-15T12:00:00", NOON_MS),
        ("2026-01-15 12:00", NOON_MS),
        ("2026-01-15T14:00:00.250+02:00", NOON_MS + 250),
        ("2026-01-15", NOON_MS - 12 * 3_600_000),
        ("20260115", NOON_MS - 12 * 3_600_000),
        (str(NOON_MS // 1000), NOON_MS),
        (str(NOON_MS), NOON_MS),
        (str(NOON_MS * 1000 + 7), NOON_MS),
        ("2h", NOON_MS - 7_200_000),
        ("30m", NOON_MS - 1_800_000),
        ("7d", NOON_MS - 7 * 86_400_000),
        (" 0s ", NOON_MS),
    ],
)
def test_a_time_is_read_as_people_write_it(text: str, moment_ms: int) -> None:
    assert parse_moment(text, NOW) == moment_ms


@pytest.mark.parametrize("text", ["", "yesterday", "12", "2w", "h", "2026-13-01", "-2h", "٣h", "1e9"])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is no time: write 2026-01-15T10:30:00Z, 2h"):
        parse_moment(text, NOW)


def test_offsets_are_written_from_to_both_included() -> None:
    assert parse_offsets("100-199") == (100, 199)
    assert parse_offsets("7") == (7, 7)
    for wrong in ("", "-", "5-", "-5", "9-3", "a-b"):
        with pytest.raises(ValueError, match="write 100-199, both included"):
            parse_offsets(wrong)


def test_contradictory_options_are_refused() -> None:
    assert wanted_of(None) == Wanted()
    with pytest.raises(typer.BadParameter, match="is no time"):
        wanted_of(None, None, "soon")
    with pytest.raises(typer.BadParameter, match="--from must be before --to"):
        wanted_of(None, None, "1h", "2h")
