"""Buckets of time: hours and days, in UTC."""

from dataclasses import dataclass

from gateway.query.parameters import Parameters
from gateway.query.range import Range

_HOUR_US = 3_600_000_000


def floored(moment: str, us: int) -> str:
    """The first moment of the bucket of a time, which is an expression in microseconds."""
    return f"({moment} - positiveModulo({moment}, {us}))"


@dataclass(frozen=True)
class Width:
    """`us`: microseconds of a bucket. `most_days`: a longer range has too many of them."""

    name: str
    us: int
    most_days: int

    def sql(self, column: str) -> str:
        """The first moment of a time's bucket, microseconds since the epoch."""
        return floored(f"toUnixTimestamp64Micro({column})", self.us)

    def whole(self, range: Range) -> Range:
        """The range that begins and ends with whole buckets."""
        return Range(range.start - range.start % self.us, range.end - range.end % self.us + self.us - 1)


HOUR = Width("hour", _HOUR_US, 31)
DAY = Width("day", 24 * _HOUR_US, 400)
WIDTHS = {width.name: width for width in (HOUR, DAY)}


def parse_bucket(given: Parameters, range: Range, usual: Width | None) -> Width | None:
    """`bucket`: `hour` or `day`; without a usual one also `none`, which is the default. What can't be used becomes an
    issue of `given`."""
    names = [*WIDTHS] if usual else ["none", *WIDTHS]
    name = given.choice("bucket", names, usual.name if usual else "none")
    width = WIDTHS.get(name)
    if width is not None and range.seconds > width.most_days * 86_400:
        message = f"Value error, for a range of at most {width.most_days} days"
        given.refuse("bucket", "value_error", message, name)
    return width
