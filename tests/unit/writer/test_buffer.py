"""When a lane's messages become a batch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.envelope import Stamp
from shared.queue.base import Message
from writer.buffer import Buffer, Draft, Limits, WentBack
from writer.entry import Entry

DAY_US = 86_400_000_000
LIMITS = Limits(rows=10, bytes=1000, age_s=1.0, partitions=3)


def entry(offset: int, rows: int = 1, size: int = 10, day: int = 20_000, blocked: str = "") -> Entry:
    message = Message(offset, 0, None, b"x" * size)
    if blocked:
        return Entry(message, blocked=blocked)
    stamp = Stamp(v=1, format="f", project_id="p", received_at=day * DAY_US, retention_days=30, n=rows)
    return Entry(message, stamp)


def offsets(draft: Draft | None) -> list[int]:
    return [each.message.offset for each in draft.entries] if draft else []


def filled(*entries: Entry, buffer: Buffer | None = None) -> Buffer:
    buffer = buffer or Buffer(LIMITS, entries[0].message.offset)
    for each in entries:
        buffer.add(each, 0.0)
    return buffer


def test_nothing_is_due_before_its_age() -> None:
    buffer = filled(entry(0), entry(1))
    assert buffer.due_in(0.25) == 0.75
    assert buffer.take(0.25) is None
    assert offsets(buffer.take(1.0)) == [0, 1]
    assert buffer.due_in(1.0) is None


def test_the_age_counts_from_the_first_message() -> None:
    buffer = filled(entry(0))
    buffer.add(entry(1), 0.9)
    assert offsets(buffer.take(1.0)) == [0, 1]


def test_rows_seal_a_batch_and_a_message_is_never_split() -> None:
    buffer = filled(entry(0, rows=6), entry(1, rows=6), entry(2, rows=4))
    assert offsets(buffer.take(0.0)) == [0]
    assert offsets(buffer.take(0.0)) == [1, 2]
    assert buffer.take(0.0) is None


def test_a_message_over_the_limits_is_a_batch_of_its_own() -> None:
    buffer = filled(entry(0), entry(1, rows=50), entry(2))
    assert [offsets(buffer.take(9.0)) for _ in range(3)] == [[0], [1], [2]]


def test_bytes_seal_a_batch() -> None:
    buffer = filled(entry(0, size=400), entry(1, size=400), entry(2, size=400))
    assert offsets(buffer.take(0.0)) == [0, 1]
    assert buffer.bytes == 400


def test_more_table_partitions_than_allowed_seal_a_batch() -> None:
    buffer = filled(*(entry(n, day=20_000 + n) for n in range(4)), entry(4, day=20_003))
    assert offsets(buffer.take(0.0)) == [0, 1, 2]
    assert offsets(buffer.take(9.0)) == [3, 4]


def test_a_message_of_a_newer_version_stands_alone() -> None:
    buffer = filled(entry(0), entry(1, blocked="newer"), entry(2))
    assert offsets(buffer.take(9.0)) == [0]
    draft = buffer.take(9.0)
    assert offsets(draft) == [1]
    assert draft
    assert draft.blocked == "newer"
    assert offsets(buffer.take(9.0)) == [2]


def test_a_planned_range_is_cut_exactly_there_whatever_the_limits_and_the_age() -> None:
    buffer = Buffer(LIMITS, 5, exact_end=30)
    filled(*(entry(n, rows=9) for n in range(5, 29)), buffer=buffer)
    assert buffer.due_in(1e9) is None
    assert buffer.take(1e9, flush=True) is None, "a part of a plan is never a batch"
    filled(entry(29), entry(30), buffer=buffer)
    draft = buffer.take(0.0)
    assert offsets(draft) == list(range(5, 30))
    assert draft
    assert draft.planned
    rest = buffer.take(9.0)
    assert offsets(rest) == [30]
    assert rest
    assert not rest.planned


def test_a_planned_range_that_ends_in_a_hole_ends_with_the_next_message() -> None:
    buffer = filled(entry(5), entry(6), entry(12), buffer=Buffer(LIMITS, 5, exact_end=10))
    assert offsets(buffer.take(0.0)) == [5, 6]
    assert offsets(buffer.take(9.0)) == [12]


def test_a_planned_range_of_which_nothing_is_left_is_passed_over() -> None:
    draft = filled(entry(12), buffer=Buffer(LIMITS, 5, exact_end=10)).take(9.0)
    assert offsets(draft) == [12]
    assert draft
    assert not draft.planned
    assert draft.jumps == [(5, 12)]


def test_messages_of_a_refused_range_are_each_a_batch() -> None:
    buffer = filled(*(entry(n) for n in range(4)), buffer=Buffer(LIMITS, 0, careful_end=2))
    assert [offsets(buffer.take(9.0)) for _ in range(3)] == [[0], [1], [2, 3]]


def test_a_flush_takes_what_is_not_due_yet() -> None:
    buffer = filled(entry(0))
    assert offsets(buffer.take(0.0, flush=True)) == [0]
    assert buffer.take(0.0, flush=True) is None
    assert buffer.bytes == 0


def test_holes_are_remembered_and_do_not_end_a_batch() -> None:
    draft = filled(entry(0), entry(3), entry(4), entry(9)).take(9.0)
    assert offsets(draft) == [0, 3, 4, 9]
    assert draft
    assert draft.jumps == [(1, 3), (5, 9)]


def test_an_offset_that_was_read_already_is_an_error() -> None:
    with pytest.raises(WentBack) as caught:
        filled(entry(4), entry(2))
    assert caught.value.offset == 2


@given(
    sizes=st.lists(st.tuples(st.integers(1, 15), st.integers(1, 600), st.integers(0, 5)), min_size=1, max_size=60),
    exact=st.integers(0, 70),
    careful=st.integers(0, 70),
)
def test_drafts_hold_every_message_once_and_in_order(
    sizes: list[tuple[int, int, int]], exact: int, careful: int
) -> None:
    buffer = Buffer(LIMITS, 0, exact_end=exact if exact <= len(sizes) else 0, careful_end=careful)
    for offset, (rows, size, day) in enumerate(sizes):
        buffer.add(entry(offset, rows, size, 20_000 + day), 0.0)
    seen: list[int] = []
    while draft := buffer.take(9.0):
        seen += offsets(draft)
        if not draft.planned and len(draft.entries) > 1:
            assert draft.rows <= LIMITS.rows
            assert draft.bytes <= LIMITS.bytes
            assert len(draft.partitions) <= LIMITS.partitions
    assert seen == list(range(len(sizes)))
    assert buffer.bytes == 0
