"""A range of time as a person types or pastes it: `2h`, `yesterday 14:00 to 15:00`, an ISO time, an epoch
(pages.md, "The range"). What names no zone is in the reader's."""

import re
from typing import NamedTuple

from gateway.query.pages.zone import Zone
from gateway.query.range import Range
from gateway.query.times import clamp, parse_time

AROUND_US = 5 * 60 * 1_000_000
"""A single moment means this long before and after it."""

MAX_TYPED = 100

_DAY_US = 86_400_000_000
_WORDS = {"today": 0, "yesterday": 1}
_SPAN = re.compile(r"(?:last |past )?(\d{1,6}) ?(s|m|h|d|w|min|hours?|days?|weeks?|minutes?|seconds?)", re.ASCII)
_DAY = re.compile(r"(today|yesterday)(?: (.+))?")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,6}))?)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_EPOCH = re.compile(r"\d{10}(?:\d{3}){0,3}", re.ASCII)
_TO = re.compile(r" to | - | – |\.\.| until ")

HOW = "write 2h, today, yesterday 14:00 to 15:00, an ISO time such as 2026-01-15T10:30:00Z, or an epoch"


class Typed(NamedTuple):
    """One of both: how long before now it begins, as the parameter `last` has it, or both ends."""

    last: str | None = None
    range: Range | None = None


class _Point(NamedTuple):
    """Microseconds since the epoch, both inclusive. A moment may be two: clocks show it twice where one hour is
    repeated."""

    start: int
    end: int
    is_day: bool = False

    @classmethod
    def of_wall(cls, zone: Zone, start: int, end: int | None = None) -> "_Point":
        """A moment by the clocks of a zone; a day where it has an end."""
        return cls(zone.first(start), zone.last(start if end is None else end), is_day=end is not None)


def parse_typed(text: str, now: int, zone: Zone) -> Typed:
    """`now`: microseconds; `zone`: of times that name none, and of days. Raises ValueError, whose text says what to
    write."""
    words = " ".join(text.lower().split())
    if not 0 < len(words) <= MAX_TYPED:
        raise ValueError(HOW)
    if span := _SPAN.fullmatch(words):
        return Typed(last=_last(int(span[1]), span[2]))
    first, to, second = _parted(words)
    start = _point(first, now, now, zone)
    if not to:
        around = 0 if start.is_day else AROUND_US
        return Typed(range=Range(start.start - around, start.end + around))
    end = _point(second, now, start.start, zone)
    if start.start > end.end:
        raise ValueError("the range ends before it begins")
    return Typed(range=Range(start.start, end.end))


def _last(number: int, unit: str) -> str:
    if number == 0:
        raise ValueError("a range is longer than nothing")
    return f"{7 * number}d" if unit.startswith("w") else f"{number}{unit[0]}"


def _parted(words: str) -> tuple[str, str, str]:
    found = _TO.search(words)
    return (words[: found.start()], found[0], words[found.end() :]) if found else (words, "", "")


def _point(words: str, now: int, day_of: int, zone: Zone) -> _Point:
    """What one end says. A time alone is on the day of `day_of`."""
    words = words.strip()
    if words == "now":
        return _Point(now, now)
    if _EPOCH.fullmatch(words):
        moment = clamp(int(words) * 1_000_000 // 1_000 ** ((len(words) - 10) // 3))
        return _Point(moment, moment)
    if day := _DAY.fullmatch(words):
        begins = _midnight(zone.wall(now)) - _WORDS[day[1]] * _DAY_US
        if day[2]:
            return _Point.of_wall(zone, begins + _clock(day[2]))
        return _Point.of_wall(zone, begins, begins + _DAY_US - 1)
    if _CLOCK.fullmatch(words):
        return _Point.of_wall(zone, _midnight(zone.wall(day_of)) + _clock(words))
    try:
        start = parse_time(words, of_wall=zone.first)
        end = parse_time(words, of_wall=zone.last, whole_day=True)
        return _Point(start, end, is_day=_DATE.fullmatch(words) is not None)
    except ValueError:
        raise ValueError(HOW) from None


def _midnight(wall: int) -> int:
    return wall - wall % _DAY_US


def _clock(clock: str) -> int:
    """Microseconds from midnight to a time of day. Raises ValueError."""
    found = _CLOCK.fullmatch(clock)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59 or int(found[3] or 0) > 59:
        raise ValueError(HOW)
    seconds = int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0)
    return seconds * 1_000_000 + int((found[4] or "").ljust(6, "0"))
