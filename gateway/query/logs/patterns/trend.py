"""How a pattern went over what is counted: its logs in each of up to 24 equal parts (reading.md, "Patterns")."""

from dataclasses import dataclass

from gateway.query.logs.patterns.covered import HOUR_US, LAST_OF_HOUR, Covered
from gateway.query.trend import PARTS


@dataclass(frozen=True)
class Trend:
    """`width`: microseconds of a part; the last one may be shorter. By the hour, an hour belongs to the part in which
    it ends."""

    start: int
    width: int
    parts: int
    hourly: bool

    @property
    def part(self) -> str:
        """The number of a log's part, an expression."""
        if not self.hourly:
            return f"intDiv(toUnixTimestamp64Micro(timestamp) - {self.start}, {self.width})"
        return f"least(intDiv({LAST_OF_HOUR} - {self.start}, {self.width}), {self.parts - 1})"


def trend_of(counted: Covered) -> Trend:
    start, end = counted.range
    length = end - start + 1
    width = max(-(-length // PARTS), HOUR_US if counted.hourly else 1)
    return Trend(start, width, -(-length // width) if counted.hourly else PARTS, counted.hourly)
