"""Which time of a rule is to be judged (alerts.md, "When a rule is judged")."""

from typing import NamedTuple

from gateway.query.range import Range
from shared.alerts.progress import MINUTE_US
from shared.formats.values import LEAD_US

PATIENCE_US = 5 * MINUTE_US
"""So long after its end, a time is judged on what there is of it."""

DAY_US = 24 * 60 * MINUTE_US
"""What is judged late is judged this far back. And what is older when it arrives is not judged: looking for it would be
to read all there is."""


class Window(NamedTuple):
    """What arrived from `start` to before `end`, in whole minutes. What arrived before `complete` is stored."""

    start: int
    complete: int
    end: int

    def back_to(self, moment: int) -> "Window":
        """The same, beginning at another moment."""
        return self._replace(start=moment)

    def at_most(self, length: int) -> "Window":
        """Its first part, where more than that is complete. Microseconds."""
        end = self.start + length
        return self if self.complete <= end else Window(self.start, end, end)

    @property
    def arrived(self) -> Range:
        return Range(self.start, self.end - 1)

    @property
    def happened(self) -> Range:
        """When what arrived in it may have happened."""
        return Range(self.start - DAY_US, self.end + LEAD_US)


def window_of(judged_to: int, up_to: int | None, now: int) -> Window | None:
    """None where nothing is to be judged yet. `up_to`: what arrived before is stored; None for unknown."""
    complete = judged_to if up_to is None else max(judged_to, _minute(up_to))
    end = max(complete, _minute(now - PATIENCE_US))
    return None if end <= judged_to else Window(max(judged_to, end - DAY_US), complete, end)


def _minute(moment: int) -> int:
    return moment - moment % MINUTE_US
