"""Cuts a lane's messages into ranges that become batches. Pure: time is passed in (delivery.md, "Step 2: seal")."""

from collections import deque
from dataclasses import dataclass, field

from writer.entry import Entry


@dataclass(frozen=True)
class Limits:
    """What seals a draft, whichever is reached first. A larger message is a draft of its own."""

    rows: int
    bytes: int
    age_s: float
    partitions: int = 16
    """ClickHouse table partitions: an insert over more than 100 is refused, and each costs the server a part."""


ONE_MESSAGE = Limits(rows=1, bytes=1, age_s=0.0)


class WentBack(Exception):
    """The lane's offsets went back: the topic was recreated, or has lost its end. `offset` is the next one."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the next offset is {offset}, which was read already")
        self.offset = offset


@dataclass
class Draft:
    """A contiguous range of messages that will become one batch."""

    opened_at: float
    planned: bool = False
    """Its range comes from a committed plan and must be cut exactly there."""
    entries: list[Entry] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0
    blocked: str = ""
    """Why this program can't store a message of it, though a newer one may."""
    jumps: list[tuple[int, int]] = field(default_factory=list)
    """(offset expected, offset found) where the lane has a hole."""
    partitions: set[tuple[int, int]] = field(default_factory=set)

    def add(self, entry: Entry, limits: Limits) -> bool:
        """Take one more message if the limits allow it; the first one is always taken."""
        fits = self.planned or (
            self.rows + entry.rows <= limits.rows
            and self.bytes + entry.size <= limits.bytes
            and not (self.blocked or entry.blocked)
            and (len(self.partitions) < limits.partitions or entry.partition in self.partitions)
        )
        if self.entries and not fits:
            return False
        self.entries.append(entry)
        self.rows += entry.rows
        self.bytes += entry.size
        self.blocked = self.blocked or entry.blocked
        if partition := entry.partition:
            self.partitions.add(partition)
        return True

    def is_full(self, limits: Limits) -> bool:
        return self.rows >= limits.rows or self.bytes >= limits.bytes


class Buffer:
    """The messages of one lane from one position on.

    1. Drafts are contiguous, in order, and none is changed once it is sealed.
    2. With `exact_end` the first draft holds exactly the messages below that offset, however many and however old.
    3. Messages below `careful_end` are each a draft of their own.
    """

    def __init__(self, limits: Limits, start: int, *, exact_end: int = 0, careful_end: int = 0) -> None:
        self.next_offset = start
        self.bytes = 0
        self.seal_bytes = limits.bytes
        """A draft of this size is sealed: less than the limit while many lanes share the memory."""
        self._limits = limits
        self._exact_end = exact_end if exact_end > start else 0
        self._careful_end = careful_end
        self._sealed: deque[Draft] = deque()
        self._open: Draft | None = None

    def add(self, entry: Entry, now: float) -> None:
        """Take the lane's next message; `now` is monotonic seconds. Raises `WentBack`."""
        offset = entry.message.offset
        if offset < self.next_offset:
            raise WentBack(offset)
        limits = ONE_MESSAGE if offset < self._careful_end else self._limits
        if self._exact_end and offset >= self._exact_end:  # the end of the planned range is a hole
            self._seal()
            self._exact_end = 0
        if self._open is None or not self._open.add(entry, limits):
            self._seal()
            self._open = Draft(opened_at=now, planned=self._exact_end > 0)
            self._open.add(entry, limits)
        if offset > self.next_offset:
            self._open.jumps.append((self.next_offset, offset))
        self.bytes += entry.size
        self.next_offset = offset + 1
        if self._open.planned:
            full = self.next_offset >= self._exact_end
        else:
            full = self._open.is_full(limits) or self._open.bytes >= self.seal_bytes
        if full:
            self._seal()

    @property
    def is_empty(self) -> bool:
        return self._open is None and not self._sealed

    def skip_to(self, offset: int) -> None:
        """Go past holes; the buffer is empty."""
        self.next_offset = offset
        if self._exact_end <= offset:
            self._exact_end = 0

    @property
    def first_ms(self) -> int | None:
        """When the queue took the first buffered message, Unix milliseconds; None for no message."""
        first = self._sealed[0] if self._sealed else self._open
        return first.entries[0].message.timestamp_ms if first else None

    @property
    def must_go_on(self) -> bool:
        """A planned range is incomplete: it needs its last message, however much the lane holds."""
        return self._open is not None and self._open.planned

    def due_in(self, now: float) -> float | None:
        """Seconds until `take` returns a draft if no message arrives; None for never."""
        if self._sealed:
            return 0.0
        if self._open is None or self._open.planned:
            return None
        return max(0.0, self._open.opened_at + self._limits.age_s - now)

    def take(self, now: float, *, flush: bool = False) -> Draft | None:
        """The next draft if it is sealed or due; with `flush` any draft, but never a part of a plan."""
        due = self.due_in(now)
        if due is None or (due > 0 and not flush):
            return None
        if not self._sealed:
            self._seal()
        draft = self._sealed.popleft()
        self.bytes -= draft.bytes
        return draft

    def _seal(self) -> None:
        if self._open is not None:
            if self._open.planned:
                self._exact_end = 0
            self._sealed.append(self._open)
            self._open = None
