"""What a batch says of itself: its range, its token, its rows' identities, what is committed before and after it."""

from dataclasses import dataclass

import msgspec

from shared.formats.base import Columns
from shared.queue.base import Lane, Message, Position
from writer.buffer import Draft
from writer.converter import US_PER_DAY, Converted
from writer.dead_letters import Letter

Key = tuple[int, int, int]
"""A row's identity within its lane: (_offset, _index, received_at)."""


class Plan(msgspec.Struct):
    """What a writer leaves with the group's offset before it inserts (02, step 3)."""

    end: int


def plan_of(position: Position) -> int:
    """The end of the range that was planned at this position; 0 for none."""
    try:
        end = msgspec.json.decode(position.metadata, type=Plan).end
    except msgspec.MsgspecError:  # empty, or an operator's own text
        return 0
    return end if end > position.offset else 0


@dataclass
class Batch:
    """Rows of one table from one contiguous offset range of one lane, ready to be inserted."""

    lane: Lane
    first: int
    last: int
    received_at: int
    """Of the first readable message, microseconds: a topic that was made anew makes other tokens."""
    columns: Columns
    rows: int
    letters: list[Letter]
    expired: int
    """Records that were past their retention."""
    bytes: int
    planned: bool
    """The range was read from a plan."""
    message: Message | None
    """Where the batch is one message: that message."""
    run: str = ""
    """Of a replay or a redrive: begins its tokens, so that they are no others'."""

    @property
    def end(self) -> int:
        """The offset after the range."""
        return self.last + 1

    @property
    def plan(self) -> Position:
        """Committed before the insert."""
        return Position(self.first, msgspec.json.encode(Plan(self.end)).decode())

    @property
    def done(self) -> Position:
        """Committed when every row is stored."""
        return Position(self.end)

    @property
    def token(self) -> str:
        """The insert's deduplication token: whoever inserts this range, and whenever, makes the same.

        Not so in a run of a replay: a token outlives the rows that it stored, and would keep them from coming back.
        """
        return f"{self.run}{self.lane.topic}:{self.lane.partition}:{self.first}-{self.last}:{self.received_at}"

    @property
    def offsets(self) -> tuple[int, int]:
        """The first and the last."""
        return self.first, self.last

    @property
    def span(self) -> tuple[int, int]:
        """The earliest and the latest `received_at` of its rows, microseconds. It must have rows."""
        received_at = self.columns["received_at"]
        return min(received_at), max(received_at)

    def keys(self) -> list[Key]:
        """The identity of each row."""
        columns = self.columns
        return list(zip(columns["_offset"], columns["_index"], columns["received_at"], strict=True))

    def missing(self, present: set[Key], now_us: int) -> list[int]:
        """The rows that are not present and that retention has not taken yet."""
        received_at, days = self.columns["received_at"], self.columns["retention_days"]
        return [
            row
            for row, key in enumerate(self.keys())
            if key not in present and received_at[row] + days[row] * US_PER_DAY > now_us
        ]

    def select(self, rows: list[int]) -> Columns:
        """The columns of some of the rows."""
        return {name: [values[row] for row in rows] for name, values in self.columns.items()}


def make_batch(lane: Lane, draft: Draft, made: Converted, run: str = "") -> Batch:
    """The batch of a draft whose messages were converted. `run`: for a replay, else ''."""
    entries = draft.entries
    return Batch(
        lane=lane,
        first=entries[0].message.offset,
        last=entries[-1].message.offset,
        received_at=next((entry.stamp.received_at for entry in entries if entry.stamp), 0),
        columns=made.columns,
        rows=made.rows,
        letters=made.letters,
        expired=made.expired,
        bytes=draft.bytes,
        planned=draft.planned,
        message=entries[0].message if len(entries) == 1 else None,
        run=run,
    )
