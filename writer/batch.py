"""Rows of one range: its token, its rows' identities, and what is committed before and after it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from shared.letters import Letter
from shared.queue.base import Lane, Message, Position
from shared.signals.base import US_PER_DAY
from writer.ages import NONE as NO_ARRIVALS
from writer.ages import Arrivals
from writer.row_range import RowRange
from writer.wire.block import Block

Key = tuple[int, int, int]
"""A row's identity within its lane: (_offset, _index, received_at)."""


class Plan(msgspec.Struct):
    """What a writer leaves with the group's offset before it inserts (delivery.md, "Step 3: plan")."""

    end: int


def plan_of(position: Position) -> int:
    """The end of the range that was planned at this position; 0 for none."""
    try:
        end = msgspec.json.decode(position.metadata, type=Plan).end
    except msgspec.MsgspecError:  # empty, or an operator's own text
        return 0
    return end if end > position.offset else 0


class Holes(NamedTuple):
    """Offsets without messages, up to `end`: of transactions that were aborted, and of their ends."""

    end: int


@dataclass
class Batch:
    """Rows of one table from one contiguous offset range of one lane, ready to be inserted, and what is no row."""

    lane: Lane
    first: int
    last: int
    received_at: int
    """Of the first readable message, microseconds: a recreated topic makes other tokens."""
    message: Message | None
    """Where the batch is one message: that message."""
    block: Block
    """The rows."""
    letters: list[Letter] = field(default_factory=list)
    """For the records that can't become rows."""
    expired: int = 0
    """Records that were past their retention."""
    planned: bool = False
    """The range was read from a plan."""
    arrivals: Arrivals = NO_ARRIVALS
    """Of its messages."""
    traces: Sequence[tuple[str, int]] = ()
    """(traceparent, received_at) of messages whose requests are traced."""
    inserted_ns: tuple[int, int] = (0, 0)
    """When its insert began and ended, since the epoch; 0 where it was not measured."""
    run: str = ""
    """Of a replay or a redrive: the beginning of its tokens, so that no other run has the same ones."""

    @property
    def rows(self) -> int:
        return self.block.rows

    @property
    def end(self) -> int:
        """The offset after the range."""
        return self.last + 1

    @property
    def plan(self) -> Position:
        """What is committed before the insert."""
        return Position(self.first, msgspec.json.encode(Plan(self.end)).decode())

    @property
    def done(self) -> Position:
        """What is committed when every row is stored."""
        return Position(self.end)

    @property
    def token(self) -> str:
        """The insert's deduplication token: the same for every writer that inserts this range.

        Another one in each run of a replay: a token outlives the rows that it stored, and would keep them from coming
        back.
        """
        return f"{self.run}{self.lane.topic}:{self.lane.partition}:{self.first}-{self.last}:{self.received_at}"

    @property
    def range(self) -> RowRange:
        """Where its rows lie. It must have rows."""
        received_at = self.block.numbers("received_at")
        return RowRange(self.lane, self.first, self.last, min(received_at), max(received_at))

    def keys(self) -> list[Key]:
        """The identity of each row."""
        return list(zip(*map(self.block.numbers, ("_offset", "_index", "received_at")), strict=True))

    def missing(self, present: set[Key], now_us: int) -> list[int]:
        """The rows that are not present and not past their retention."""
        received_at, days = self.block.numbers("received_at"), self.block.numbers("retention_days")
        absent: Sequence[int] = range(self.rows)
        if present:
            absent = [row for row, key in enumerate(self.keys()) if key not in present]
        return [row for row in absent if received_at[row] + days[row] * US_PER_DAY > now_us]
