"""What a month costs so far, and what it is heading for."""

from datetime import UTC, datetime
from typing import NamedTuple

from gateway.query.pages.zone import UTC as IN_UTC
from gateway.query.range import Range

_US = 1_000_000
_HOUR_US = 3_600 * _US


class Month(NamedTuple):
    """Of now, in UTC. `heading_for`: if it goes on at this pace; None in its first hour."""

    name: str
    cost: float
    heading_for: float | None


def month_range(now: int) -> Range:
    """From the first moment of the month of `now` to it, microseconds."""
    moment = IN_UTC.moment(now)
    return Range(_us(moment.year, moment.month), now)


def month_of(now: int, cost: float) -> Month:
    moment = IN_UTC.moment(now)
    start = _us(moment.year, moment.month)
    end = _us(moment.year + moment.month // 12, moment.month % 12 + 1)
    passed = now - start
    return Month(f"{moment:%B}", cost, cost / passed * (end - start) if passed >= _HOUR_US else None)


def _us(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * _US
