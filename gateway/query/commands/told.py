"""What there is to say beside an answer: how far a search went, whether rows are still to come, times and numbers."""

from gateway.query.complete import Complete
from gateway.query.range import Range
from gateway.query.times import format_time

_DATE, _YEAR = len("2026-01-15T"), len("2026-")


def until(moment_us: int, range: Range) -> str:
    """A moment of a range, to the second: `10:15:02`, with its date where that isn't the same for all."""
    return short_time(format_time(moment_us)[:19], shown_from(range))


def span(range: Range) -> str:
    """`from 09:15:02 to 10:15:02 UTC`."""
    return f"from {until(range.start, range)} to {until(range.end, range)} UTC"


def shown_from(range: Range) -> int:
    """How many characters of a time as answers have it need not be shown: what all times of the range begin with."""
    start, end = map(format_time, range)
    return next((n for n in (_DATE, _YEAR) if start[:n] == end[:n]), 0)


def short_time(time: str, shown_from: int) -> str:
    """A time of an answer: `10:15:02.123`, with its date where that isn't the same for all."""
    return time[shown_from:23].replace("T", " ")


def of_rows(done: int, of: int) -> str:
    """`1.2 of 5.2 M rows`, `12,000 of 90,000 rows`."""
    if of >= 1_000_000:
        return f"{done / 1e6:.1f} of {of / 1e6:.1f} M rows"
    return f"{done:,} of {of:,} rows"


def incomplete(complete: Complete, range: Range) -> str | None:
    """A sentence where what was found may not be all that was sent."""
    if complete.up_to is None:
        return f"how far this is complete is unknown: {complete.reason}"
    if complete.up_to >= range.end:
        return None
    return f"still arriving: all that was sent before {until(complete.up_to, range)} UTC is here"
