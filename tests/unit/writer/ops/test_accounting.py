"""What audit makes of one message (writer/ops/audit/accounting.py)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from writer.ops.audit.accounting import Counts, Former, LetterState, Seen, StoredCount, length_of_union, needs_indices

NOW = 1_000


def message(records: int, *, expires_at: int = NOW + 1) -> Seen:
    return Seen(offset=7, timestamp_ms=1, received_at=500, records=records, expires_at=expires_at, blocked=False)


UNDECODABLE = Seen(7, 1, -1, 0, 0, blocked=False)
DAMAGED = UNDECODABLE._replace(damaged=True)
BLOCKED = Seen(7, 1, -1, 0, 0, blocked=True)


def rows(*indices: int) -> StoredCount:
    return StoredCount(len(indices), len(set(indices)), max(indices, default=-1), frozenset(indices))


@pytest.mark.parametrize(
    ("seen", "present", "marks", "counts"),
    [
        (message(3), rows(0, 1, 2), {}, Counts(expected=3, found=3)),
        (message(0), rows(), {}, Counts()),
        (message(3), rows(), {}, Counts(expected=3, missing=3)),
        (message(3), rows(0, 2, 2, 2), {}, Counts(expected=3, found=2, missing=1, duplicated=2)),
        (message(3), rows(0, 1, 2, 3), {}, Counts(expected=3, found=3, duplicated=1)),
        (message(3), rows(0, 2), {1: "open"}, Counts(expected=2, found=2, dead_lettered=1)),
        (message(3), rows(0, 2), {1: "purged"}, Counts(expected=2, found=2, purged=1)),
        (message(3), rows(0, 2), {1: "redriven"}, Counts(expected=3, found=2, missing=1)),
        (message(3), rows(0, 1, 2), {1: "open"}, Counts(expected=3, found=3)),
        (message(3), rows(0, 1), {1: "open"}, Counts(expected=3, found=2, missing=1)),
        (message(3), rows(), {None: "open"}, Counts(dead_lettered=1)),
        (message(3), rows(), {None: "purged"}, Counts(purged=1)),
        (message(3), rows(), {None: "redriven"}, Counts(expected=3, missing=3)),
        (message(3), rows(0, 1, 2), {None: "open"}, Counts(expected=3, found=3)),
        (message(3), rows(0), {None: "open"}, Counts(expected=1, found=1, dead_lettered=1)),
        (message(3, expires_at=NOW), rows(), {}, Counts(expired=3)),
        (message(3, expires_at=NOW), rows(0, 0), {1: "open"}, Counts(expired=2, dead_lettered=1)),
        (UNDECODABLE, rows(), {}, Counts(expected=1, missing=1)),
        (UNDECODABLE, rows(), {None: "open"}, Counts(dead_lettered=1)),
        (UNDECODABLE, rows(), {None: "purged"}, Counts(purged=1)),
        (UNDECODABLE, rows(), {None: "redriven"}, Counts()),
        (BLOCKED, rows(), {}, Counts(unreadable=1)),
        (DAMAGED, rows(), {}, Counts(unreadable=1)),
        (DAMAGED, rows(), {None: "open"}, Counts(dead_lettered=1)),
        (message(3), rows(0, 1, 2)._replace(altered=2), {}, Counts(expected=3, found=3, altered=2)),
        (message(3, expires_at=NOW), rows(0)._replace(altered=1), {}, Counts(expired=3)),
    ],
)
def test_a_message_is_accounted_for(
    seen: Seen, present: StoredCount, marks: dict[int | None, LetterState], counts: Counts
) -> None:
    made = Counts()
    made.judge(seen, present, marks, NOW)
    counts.messages = 1
    assert made == counts


@given(
    records=st.integers(0, 5),
    present=st.lists(st.integers(0, 4)),
    marks=st.dictionaries(st.none() | st.integers(0, 4), st.sampled_from(["open", "redriven", "purged"])),
)
def test_no_record_is_left_out_and_none_is_counted_twice(
    records: int, present: list[int], marks: dict[int | None, LetterState]
) -> None:
    present = [index for index in present if index < records]
    counts = Counts()
    counts.judge(message(records), rows(*present), marks, NOW)
    assert counts.expected == counts.found + counts.missing
    assert counts.found == len(set(present))
    assert counts.duplicated == len(present) - counts.found
    if None not in marks:
        assert counts.records == records


@given(
    records=st.integers(0, 5),
    present=st.lists(st.integers(0, 6)),
    marks=st.dictionaries(st.none() | st.integers(0, 4), st.sampled_from(["open", "redriven", "purged"])),
)
def test_counts_suffice_where_the_indices_are_not_asked_for(
    records: int, present: list[int], marks: dict[int | None, LetterState]
) -> None:
    full = rows(*present)
    counted = full._replace(indices=None)
    if needs_indices(message(records), counted, marks):
        return
    with_indices, without = Counts(), Counts()
    with_indices.judge(message(records), full, marks, NOW)
    without.judge(message(records), counted, marks, NOW)
    assert with_indices == without


def test_only_what_is_missing_doubled_lost_or_unreadable_is_a_difference() -> None:
    assert Counts(messages=9, expected=5, found=5, dead_lettered=1, purged=2, expired=3).ok
    for wrong in ("missing", "duplicated", "altered", "gaps", "unreadable"):
        assert not Counts(**{wrong: 1}).ok


def test_an_offset_that_lies_in_two_gaps_is_lost_once() -> None:
    assert length_of_union([]) == 0
    assert length_of_union([(0, 5), (0, 8), (3, 4), (10, 12), (0, 0)]) == 10


@pytest.mark.parametrize(
    ("rows", "former"),
    [
        ([(7, 500), (8, 600)], Former()),
        ([(7, 500), (7, 100), (8, 200), (8, 600)], Former(up_to=8, until=200)),
        ([(8, 900)], Former(up_to=8, until=900)),
        ([(9, 100), (10, 100)], Former()),  # a damaged message, a hole: what stood there can't be known
    ],
)
def test_rows_at_an_offset_of_another_message_are_a_former_queues(rows: list[tuple[int, int]], former: Former) -> None:
    seen = [message(1), message(1)._replace(offset=8, received_at=600), DAMAGED._replace(offset=9)]
    found = Former()
    found.look(seen, rows)
    assert found == former
    assert bool(found) == (former.up_to >= 0)
