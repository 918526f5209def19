"""The writer's small decisions: retry or poison, how long to wait, where to go on, when letters are too many."""

import re

import pytest

from shared.clients.clickhouse import ServerError, Unreachable
from shared.queue.base import Lane, Message, Position
from shared.signals.logs import LOGS
from writer.batch import plan_of
from writer.dead_letters import PLAIN_LIMIT, LetterLimit, Tally, letter, raw_bytes
from writer.failpoints import Failpoints
from writer.failures import Backoff, is_poison
from writer.position import Start, lost_in, starting_point
from writer.tables import TableFacts, UnfitTable, check_table


@pytest.mark.parametrize("code", [53, 117, 469, 349])
def test_a_data_error_is_poison(code: int) -> None:
    assert is_poison(ServerError(code, "refused"))


@pytest.mark.parametrize("code", [3, 49, 60, 81, 159, 164, 202, 209, 210, 241, 242, 319, 395, 999, 12345])
def test_any_other_error_is_tried_again(code: int) -> None:
    assert not is_poison(ServerError(code, "later"))


def test_a_broken_connection_is_never_poison() -> None:
    assert not is_poison(Unreachable("gone"))


def test_the_two_errors_numbered_252_are_told_apart() -> None:
    assert is_poison(ServerError(252, "Too many partitions for a single INSERT block (more than 100)"))
    assert is_poison(ServerError(252, "Too many partitions for single INSERT block (more than 100)"))
    assert not is_poison(ServerError(252, "Too many parts (3000) in table. Merges are processing slower than inserts"))


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff(max_s=2.0)
    pauses = [backoff.next_s() for _ in range(10)]
    for pause, longest in zip(pauses, [0.1, 0.2, 0.4, 0.8, 1.6, 2, 2, 2, 2, 2], strict=True):
        assert longest / 2 <= pause <= longest
    assert backoff.tries == 10


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


def test_only_what_retention_took_is_a_gap_other_holes_are_not() -> None:
    assert lost_in([(5, 8)], begin=0) == []
    assert lost_in([(5, 8)], begin=7) == [(5, 7)]
    assert lost_in([(5, 8)], begin=20) == [(5, 8)]
    assert lost_in([(5, 8), (10, 30)], begin=30) == [(5, 8), (10, 30)]


LIMIT = LetterLimit(share=0.2, share_from=100, run=50)


def test_a_small_share_of_letters_passes() -> None:
    assert Tally(LIMIT).exceeded(letters=20, good=80) == ""


def test_a_large_share_of_a_large_batch_is_too_much() -> None:
    assert "21 of 100" in Tally(LIMIT).exceeded(letters=21, good=79)


def test_a_large_share_of_a_small_batch_passes_but_not_of_many_small_batches() -> None:
    tally = Tally(LIMIT)
    told = [tally.exceeded(letters=5, good=4) for _ in range(30)]
    assert told[:10] == [""] * 10
    assert any(told)


def test_good_rows_of_long_ago_do_not_excuse_a_bad_stretch() -> None:
    tally = Tally(LIMIT)
    for _ in range(1_000):
        assert not tally.exceeded(letters=0, good=1_000)
    assert any(tally.exceeded(letters=40, good=40) for _ in range(20))


def test_a_run_of_letters_is_too_much_however_small_the_batches() -> None:
    tally = Tally(LIMIT)
    assert [bool(tally.exceeded(letters=1, good=0)) for _ in range(52)] == [False] * 50 + [True, True]


def test_a_good_row_ends_a_run() -> None:
    tally = Tally(LIMIT)
    for _ in range(49):
        assert not tally.exceeded(letters=1, good=0)
    assert not tally.exceeded(letters=0, good=500)
    assert not tally.exceeded(letters=30, good=0)


def test_a_large_message_is_kept_packed_and_comes_back_whole() -> None:
    value = b"x" * (PLAIN_LIMIT + 1)
    kept = letter(Lane("logs", 0), Message(1, 2, None, value), None, "undecodable", "why")
    assert len(kept.raw) < 10_000
    assert raw_bytes(kept) == value


def test_a_letter_is_keyed_by_where_it_came_from() -> None:
    message = Message(7, 1234, None, b"x")
    assert letter(Lane("logs", 2), message, None, "undecodable", "").key == b"logs:2:7::1234"
    assert letter(Lane("logs", 2), message, 0, "refused", "").key == b"logs:2:7:0:1234"


@pytest.mark.parametrize("setting", ["after_plan", "after_plan=explode", "nowhere=kill", "=kill"])
def test_a_failpoint_that_means_nothing_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match=re.escape(setting)):
        Failpoints(setting)


def test_without_a_failpoint_every_point_is_passed() -> None:
    Failpoints().reach("after_plan")
    Failpoints("after_done=kill").reach("after_plan")
    Failpoints("after_done=kill:2").reach("after_done")


def facts(engine: str = "MergeTree", window: int = 10_000, columns: tuple[str, ...] = LOGS.column_names) -> TableFacts:
    return TableFacts("sluice.logs", engine, window, frozenset(columns))


def test_a_table_with_columns_and_a_window_is_fit() -> None:
    check_table(LOGS, facts())
    check_table(LOGS, facts("ReplicatedMergeTree", columns=(*LOGS.column_names, "further")))


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (facts(window=0), "remembers no inserts .* `sluice migrate`"),
        (facts(columns=LOGS.column_names[1:]), "has no column project_id: run `sluice migrate`"),
        (facts(engine="Memory"), "engine Memory"),
    ],
)
def test_a_table_that_would_lose_or_double_rows_is_unfit(found: TableFacts, says: str) -> None:
    with pytest.raises(UnfitTable, match=says):
        check_table(LOGS, found)
