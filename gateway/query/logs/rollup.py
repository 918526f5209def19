"""The rollup that counts logs every five minutes, `volume_by_5min`: questions in its own terms are answered from it
(storage.md, "Rollups are aggregating projections")."""

from gateway.query.language import Condition
from gateway.query.range import Range
from gateway.query.steps import BUCKET_US

FIVE_MINUTES = "toStartOfFiveMinutes(timestamp)"
SECONDS = f"toUnixTimestamp({FIVE_MINUTES})"
"""When the five minutes of a log begin, seconds since the epoch."""

COUNTED = ("level", "service", "environment")
"""The columns that it knows."""

LAST_S = 2**32 - 1
"""ClickHouse counts the logs of earlier and later times than 0 to this one as of these two."""


def begin_within(range: Range) -> Condition:
    """The logs whose five minutes begin within a range."""
    first, last = (min(max(moment // 1_000_000, 0), LAST_S) for moment in range)
    sql = f"{FIVE_MINUTES} >= toDateTime(%(first)s) AND {FIVE_MINUTES} <= toDateTime(%(last)s)"
    return Condition(sql, {"first": first, "last": last})


def whole_buckets(range: Range, width: int = BUCKET_US) -> Range | None:
    """The buckets that lie in a range wholly, of those that hold their own logs only; None for none. `width`:
    microseconds of a bucket."""
    start = -(-range.start // width) * width
    end = (range.end + 1) // width * width
    last = LAST_S * 1_000_000 // width * width
    whole = Range(max(start, width), min(end, last) - 1)
    return whole if whole.start <= whole.end else None
