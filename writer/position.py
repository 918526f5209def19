"""Where a lane starts: what was committed, and what the queue still holds. Pure
(delivery.md, "Step 1: take the lane over")."""

from dataclasses import dataclass

import msgspec

from shared.queue.base import Position
from writer.batch import Plan, plan_of

Gap = tuple[int, int]
"""Messages `first <= offset < end` that retention took before a writer read them."""


@dataclass(frozen=True)
class Start:
    """`exact_end`: the end of a planned range, which must be cut there again; 0 for none. `went_back`: the queue holds
    less than was committed."""

    offset: int
    exact_end: int = 0
    lost: Gap | None = None
    went_back: bool = False
    is_of_other: bool = False
    """It is another group's, and not yet ours (`handover.py`)."""

    @property
    def position(self) -> Position:
        """What says so with the queue."""
        return Position(self.offset, msgspec.json.encode(Plan(self.exact_end)).decode() if self.exact_end else "")


def starting_point(committed: Position | None, begin: int, end: int, known_end: int | None = None) -> Start:
    """`begin` and `end`: the first offset that the queue still holds, and the offset of its next message. `known_end`:
    where nothing was committed, the offset after the last one that has a row; 0 without rows, None for unknown."""
    if committed is None:
        lost = known_end is not None and known_end < begin
        return Start(begin, lost=(known_end or 0, begin) if lost else None)
    if committed.offset > end:
        # The topic was recreated, or the queue restored from a backup: any message may be stored or not.
        return Start(begin, went_back=True)
    exact_end = min(plan_of(committed), end)
    if committed.offset < begin:
        return Start(begin, exact_end if exact_end > begin else 0, lost=(committed.offset, begin))
    return Start(committed.offset, exact_end)


def lost_in(jumps: list[tuple[int, int]], begin: int) -> list[Gap]:
    """The part of these jumps (offset expected, offset found) that retention took; the rest are holes."""
    return [(expected, min(begin, came)) for expected, came in jumps if expected < min(begin, came)]
