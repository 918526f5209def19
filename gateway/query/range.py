"""The range of time that a question is about (reading.md, "The range"). Every question has one: no query's cost is
unknown."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from gateway.query.language import Condition, Cost
from gateway.query.parameters import Parameters
from gateway.query.times import clamp, parse_time
from shared.durations import parse_duration
from shared.formats.values import LEAD_US

DEFAULT_LAST = "1h"

_US = timedelta(microseconds=1)
_ISO = ("datetime_from_date_parsing", "a valid datetime or date")


class Range(NamedTuple):
    """Microseconds since the epoch, both ends inclusive."""

    start: int
    end: int

    @property
    def seconds(self) -> float:
        return (self.end - self.start) / 1_000_000


def parse_range(given: Parameters, now: int) -> Range:
    """`start_time` and `end_time`, or `last`: how long before `end_time` (else before now) it begins. `now`: µs.

    What can't be used becomes an issue of `given`.
    """
    start = given.parsed("start_time", parse_time, *_ISO)
    end = given.parsed("end_time", lambda text: parse_time(text, whole_day=True), *_ISO)
    last = given.parsed("last", _span, "time_delta_parsing", "a duration")
    if start is not None and last is not None:
        given.refuse("last", "value_error", "Value error, give start_time or last, not both", given.text("last") or "")
    if start is not None and end is not None and start > end:
        late = given.text("start_time") or ""
        given.refuse("start_time", "value_error", "Value error, start_time is after end_time", late)
    end = now if end is None else end
    if start is None:
        start = clamp(end - (_span(DEFAULT_LAST) if last is None else last))
    return Range(start, max(start, end))


def within(start: int | None, end: int | None, name: str = "", beside: Sequence[Condition] = ()) -> list[Condition]:
    """Rows whose `timestamp` is in this range: microseconds, both inclusive. `received_at` is bounded, too: tables are
    partitioned by it, and a timestamp is at most 10 minutes later. `name`: begins the names of the values, where a
    statement has several ranges. `beside`: the other conditions of the rows."""
    found = []
    if start is not None:
        bounds = {f"{name}start": start, f"{name}arrived": clamp(start - LEAD_US)}
        found.append(Condition(f"timestamp >= fromUnixTimestamp64Micro(%({name}start)s)", bounds))
        arrived = f"received_at >= fromUnixTimestamp64Micro(%({name}arrived)s)"
        found.append(Condition(arrived if _is_parsed(beside) else f"indexHint({arrived})"))
    if end is not None:
        found.append(Condition(f"timestamp <= fromUnixTimestamp64Micro(%({name}end)s)", {f"{name}end": end}))
    return found


def _is_parsed(conditions: Sequence[Condition]) -> bool:
    """Whether attributes are parsed. Then the arrival is looked at in each row, where it is true anyway: without it the
    server parses those of all rows (performance.md, "Arrival as a hint")."""
    return any(condition.cost >= Cost.ATTRIBUTES for condition in conditions)


def _span(text: str) -> int:
    """Microseconds of `90s`, `15m`, `24h` or `7d`. Raises ValueError."""
    span = parse_duration(text) // _US
    if span == 0:
        raise ValueError("it must be longer than nothing")
    return span
