"""Where a lane goes on: what was committed, against what the queue still holds. Pure (02, step 1)."""

from dataclasses import dataclass

from shared.queue.base import Position
from writer.batch import plan_of

Gap = tuple[int, int]
"""Messages `first <= offset < end` that retention took before a writer came."""


@dataclass(frozen=True)
class Start:
    """`exact_end`: the end of a range that was planned and must be cut the same again, 0 for none. `went_back`: the
    queue holds less than was committed."""

    offset: int
    exact_end: int = 0
    lost: Gap | None = None
    went_back: bool = False


def starting_point(committed: Position | None, begin: int, end: int) -> Start:
    """`begin` and `end`: the first offset that the queue still holds, and the one that its next message will get."""
    if committed is None:
        return Start(begin)
    if committed.offset > end:
        # The topic was made anew, or the queue came out of a backup: nothing is surely stored, nothing surely not.
        return Start(begin, went_back=True)
    exact_end = min(plan_of(committed), end)
    if committed.offset < begin:
        return Start(begin, exact_end if exact_end > begin else 0, lost=(committed.offset, begin))
    return Start(committed.offset, exact_end)


def lost_in(jumps: list[tuple[int, int]], begin: int) -> list[Gap]:
    """What retention took out of these jumps (offset expected, offset that came); the rest are holes."""
    return [(expected, min(begin, came)) for expected, came in jumps if expected < min(begin, came)]
