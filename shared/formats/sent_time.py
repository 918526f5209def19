"""Times as clients write them -> text that msgspec accepts. Only what msgspec refused comes here
(contracts.md, "Time")."""

import calendar
import re
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

SentTime = str | list[str]
"""A time as the writer gets it. One that no column holds (the year 0, an offset that leaves the calendar) is the text
that was sent, alone in a list: the row keeps it in its `extra`."""

_DATE = r"(?P<year>\d{4})(?P<day>-\d\d-\d\d)"
_CLOCK = r"[Tt ](?P<clock>\d\d:\d\d)(?:(?P<seconds>:\d\d(?:\.\d{1,6})?)(?:(?<=\.\d{6})\d+)?)?"
_ZONED = re.compile(_DATE + _CLOCK + r"(?P<zone>[Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_ANY = re.compile(_DATE + f"(?:{_CLOCK}" + r"(?P<zone>[Zz]|[+-]\d\d(?::?\d\d)?)?)?", re.ASCII)

_FIRST, _LAST = 1900, 2299
"""The years that a column holds."""

_Zoned = Annotated[datetime, msgspec.Meta(tz=True)]


def zoned_time(value: object) -> str | list[str] | None:
    """What Zod's `datetime({offset: true})` accepts, in UTC: seconds may be missing, the offset is any four digits."""
    return _normal(_ZONED.fullmatch(value)) if isinstance(value, str) else None


def any_time(value: object) -> str | list[str] | None:
    """As `zoned_time`, and the offset may be missing (UTC) or without minutes; a date alone is its midnight."""
    return _normal(_ANY.fullmatch(value)) if isinstance(value, str) else None


def _normal(found: re.Match[str] | None) -> str | list[str] | None:
    if found is None:
        return None
    part = found.groupdict(default="")
    rest = f"{part['day']}T{part['clock'] or '00:00'}{part['seconds'] or ':00'}Z"
    # Day and clock are checked in a year that a datetime can hold, and that is leap if the sent one is.
    if _parsed(("2000" if calendar.isleap(int(part["year"])) else "2001") + rest) is None:
        return None
    local = _parsed(part["year"] + rest)
    try:
        moment = None if local is None else local - _offset(part["zone"])
    except OverflowError:
        moment = None
    return [found[0]] if moment is None or not _FIRST <= moment.year <= _LAST else moment.isoformat()


def moment_of(text: str) -> datetime | None:
    """A time that the gateway has checked, cut to the microsecond; None if no datetime holds it."""
    try:
        return datetime.fromisoformat(text)  # it cuts what is below a microsecond; msgspec rounds
    except ValueError:
        normal = any_time(text)
        return datetime.fromisoformat(normal) if isinstance(normal, str) else None


def _parsed(text: str) -> datetime | None:
    try:
        return msgspec.convert(text, _Zoned)
    except msgspec.ValidationError:
        return None


def _offset(zone: str) -> timedelta:
    if zone in ("", "Z", "z"):
        return timedelta(0)
    minutes = int(zone[1:3]) * 60 + int(zone[3:].lstrip(":") or 0)
    return timedelta(minutes=-minutes if zone[0] == "-" else minutes)
