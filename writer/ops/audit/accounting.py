"""What audit counts, message by message: the queue against the table. Pure (delivery.md, "Audit")."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Literal, NamedTuple

from shared.signals.base import US_PER_DAY
from writer.entry import Entry

LetterState = Literal["open", "redriven", "purged"]

Marks = Mapping[int | None, LetterState]
"""The letters of one message by index of the record; None for the whole message."""


Rules = tuple[str, int]
"""project_id and retention_days: whose a record is, and how long it stays."""


class Seen(NamedTuple):
    """What audit remembers of a message."""

    offset: int
    timestamp_ms: int
    received_at: int
    """Microseconds; -1 where the message has no stamp that can be read."""
    records: int
    """As the stamp counts them; 0 without a stamp."""
    expires_at: int
    """When retention ends, microseconds."""
    blocked: bool
    """Its version or format is unknown to this program."""
    damaged: bool = False
    """The queue can't give it as it was published."""
    rules: Rules = ("", 0)


class StoredCount(NamedTuple):
    """How many rows of one message are in the table."""

    copies: int = 0
    """All rows, second copies of a record included."""
    distinct: int = 0
    highest: int = -1
    """The highest `_index` among them."""
    indices: frozenset[int] | None = None
    """Which records they are, where that is needed (`needs_indices`)."""
    rules: tuple[Rules, Rules] = (("", 0), ("", 0))
    """The lowest and the highest of them among the rows."""
    altered: int = 0
    """Records whose rows differ from the message."""


@dataclass
class Counts:
    """The accounts of some messages. `messages`, `gaps` and `unreadable` are messages, the others records; a message
    that is, or should be, a dead letter as a whole counts as one record.

    Every record of a message is either expected, dead-lettered, purged or expired; every expected one is either found
    or missing.
    """

    messages: int = 0
    expected: int = 0
    """Records that should be rows."""
    found: int = 0
    """Expected ones that are."""
    missing: int = 0
    """Expected ones that are not."""
    duplicated: int = 0
    """Rows beyond the first of a record."""
    altered: int = 0
    """Found ones whose row differs from the message, as far as it was compared."""
    dead_lettered: int = 0
    """Records that are an open dead letter and not a row."""
    gaps: int = 0
    """Messages that retention took before a writer read them."""
    purged: int = 0
    """Records whose dead letter was purged."""
    expired: int = 0
    """Records past their retention: their rows may exist or not."""
    unreadable: int = 0
    """Messages below the committed offset whose version or format is unknown to this program, and damaged places of the
    queue that are no dead letters yet."""

    @property
    def ok(self) -> bool:
        return not (self.missing or self.duplicated or self.altered or self.gaps or self.unreadable)

    @property
    def records(self) -> int:
        """All records accounted for."""
        return self.expected + self.dead_lettered + self.purged + self.expired

    def add(self, other: "Counts") -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def judge(self, seen: Seen, stored: StoredCount, marks: Marks, now_us: int) -> None:
        """Account for one message. `now_us` is a time after the rows were counted, microseconds."""
        self.messages += 1
        if seen.blocked:
            self.unreadable += 1
        elif seen.received_at < 0:
            self._judge_undecodable(marks.get(None), seen)
        else:
            self._judge_records(seen, stored, marks, now_us)

    def _judge_undecodable(self, state: LetterState | None, seen: Seen) -> None:
        if state is None and seen.damaged:  # it may have been stored before it was damaged: that can't be known
            self.unreadable += 1
        elif state is None:
            self.expected += 1
            self.missing += 1
        else:
            self._excuse(state, 1)

    def _judge_records(self, seen: Seen, stored: StoredCount, marks: Marks, now_us: int) -> None:
        found = stored.distinct if stored.highest < seen.records else _below(stored.indices, seen.records)
        excused = 0
        if marks:
            excused = self._excuse_records(seen.records, found, stored.indices or frozenset(), marks)
        if seen.expires_at <= now_us:
            self.expired += seen.records - excused
            return
        self.expected += seen.records - excused
        self.found += found
        self.missing += seen.records - excused - found
        self.duplicated += stored.copies - found
        self.altered += stored.altered

    def _excuse_records(self, records: int, found: int, indices: frozenset[int], marks: Marks) -> int:
        """How many records are not expected because they have a letter and no row."""
        whole = marks.get(None, "redriven")
        if whole != "redriven" and (found < records or records == 0):
            self._excuse(whole, 1)
            return records - found
        excused = 0
        for index, state in marks.items():
            if index is not None and state != "redriven" and index < records and index not in indices:
                self._excuse(state, 1)
                excused += 1
        return excused

    def _excuse(self, state: LetterState, records: int) -> None:
        if state == "open":
            self.dead_lettered += records
        elif state == "purged":
            self.purged += records


@dataclass
class Former:
    """Rows of a former queue: they stand at offsets which this one gave to other messages. It was lost, recreated or
    restored in between, and has outgrown what it had."""

    up_to: int = -1
    """The highest of their offsets; -1 where none was seen."""
    until: int = 0
    """When the last of them was received, microseconds."""

    def look(self, messages: Iterable[Seen], rows: Iterable[tuple[int, int]]) -> None:
        """Find them among the rows at the offsets of these messages, each given as (offset, received_at)."""
        received = {seen.offset: seen.received_at for seen in messages if seen.received_at >= 0}
        for offset, at in rows:
            if received.get(offset, at) != at:
                self.up_to = max(self.up_to, offset)
                self.until = max(self.until, at)

    def __bool__(self) -> bool:
        return self.up_to >= 0


def seen_of(entry: Entry) -> Seen:
    """A message as audit remembers it; its records stay undecoded."""
    message, stamp = entry.message, entry.stamp
    if stamp is None:
        return Seen(message.offset, message.timestamp_ms, -1, 0, 0, bool(entry.blocked), bool(message.damage))
    whole_seconds = stamp.received_at // 1_000_000 * 1_000_000  # as the table's TTL counts
    expires_at = whole_seconds + stamp.retention_days * US_PER_DAY
    rules = stamp.project_id, stamp.retention_days
    return Seen(message.offset, message.timestamp_ms, stamp.received_at, stamp.n, expires_at, False, rules=rules)


def needs_indices(seen: Seen, stored: StoredCount, marks: Marks) -> bool:
    """Whether it matters which records of a message are rows, not only how many."""
    return stored.copies > 0 and (stored.highest >= seen.records or any(index is not None for index in marks))


def total_of(all_counts: Iterable[Counts]) -> Counts:
    total = Counts()
    for counts in all_counts:
        total.add(counts)
    return total


def length_of_union(intervals: Iterable[tuple[int, int]]) -> int:
    """How many offsets lie in any of these intervals `[first, end)`."""
    reached, length = -1, 0
    for first, end in sorted(intervals):
        length += max(0, end - max(first, reached))
        reached = max(reached, end)
    return length


def _below(indices: frozenset[int] | None, records: int) -> int:
    return sum(index < records for index in indices or ())
