"""How far the writers are in each lane, asked from outside: for operators, and for readers of what is stored."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.queue.base import Lane, Position, Queue
from shared.queue.writer_groups import WriterGroups


@dataclass(frozen=True)
class LaneState:
    """What the queue reports of a lane. `committed`: by the writers' group, None for nothing."""

    begin: int
    committed: int | None
    end: int
    high_watermark: int = 0
    """Above `end`, if messages are stored beyond it that can't be read yet."""

    @property
    def stored_end(self) -> int:
        """The offset after all that is stored, also what can't be read yet."""
        return max(self.end, self.high_watermark)

    @property
    def goes_on_at(self) -> int:
        """Where a writer that takes the lane over now starts: everything below is stored, or gone."""
        if self.committed is None or not self.begin <= self.committed <= self.end:
            return self.begin
        return self.committed

    @property
    def lost(self) -> tuple[int, int]:
        """Offsets `[from, to)` that retention took and no writer has noticed yet; equal for none."""
        if self.committed is None or self.committed >= self.begin:
            return 0, 0
        return self.committed, self.begin


async def lane_states(queue: Queue, groups: WriterGroups, lanes: Iterable[Lane]) -> dict[Lane, LaneState]:
    """Read in this order, so that beside live traffic, writers and retention nothing looks lost, undecided or beyond
    the end that isn't.

    Raises `QueueUnavailable`.
    """
    wanted = list(lanes)
    begins = await queue.begin_offsets(wanted)
    committed = await groups.committed(queue, wanted)
    watermarks = await queue.high_watermarks(wanted)
    ends = await queue.end_offsets(wanted)
    return {lane: LaneState(begins[lane], offset_of(committed[lane]), ends[lane], watermarks[lane]) for lane in wanted}


def offset_of(position: Position | None) -> int | None:
    """The committed offset; a plan in its metadata only says what is being inserted."""
    return None if position is None else position.offset
