"""The read API's times (contracts.md, "Time"): ISO 8601 in, UTC with `Z` out, microseconds inside."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from shared.formats.values import EARLIEST_US, LATEST_US

_EPOCH = datetime(1970, 1, 1)
"""Without a time zone: all arithmetic here is in UTC."""

_US = timedelta(microseconds=1)
_DAY_US = timedelta(days=1) // _US

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?"
    r"(?:([Zz])|([-+ ])(\d\d):?(\d\d)?)?)?",
    re.ASCII,
)
"""Date; hours, minutes, seconds, fraction; Z or an offset. An unescaped `+` in a URL arrives as a space."""


def parse_time(text: str, *, whole_day: bool = False, of_wall: Callable[[int], int] | None = None) -> int:
    """Microseconds since the epoch, clamped to what a column holds (1900 to 2299).

    Without an offset it is UTC, or what `of_wall` makes of it: it is given the time as if it were UTC, microseconds. A
    date alone is its first microsecond, or its last with `whole_day`: a range includes the day that ends it. Raises
    ValueError, whose text names the fault.
    """
    found = _ISO.fullmatch(text.strip())
    if found is None:
        raise ValueError("write it as 2025-01-15T10:30:00Z")
    date, hour, minute, second, fraction, utc, sign, offset_h, offset_m = found.groups()
    moment = (datetime.fromisoformat(f"{date}T{hour or '00'}:{minute or '00'}:{second or '00'}") - _EPOCH) // _US
    if hour is None:
        moment += _DAY_US - 1 if whole_day else 0
    moment += int((fraction or "").ljust(6, "0")[:6])
    if of_wall is not None and not utc and sign is None:
        return of_wall(clamp(moment))
    return clamp(moment - _offset_us(sign, offset_h, offset_m))


def clamp(moment_us: int) -> int:
    """The nearest time that a DateTime64(6) column holds."""
    return min(max(moment_us, EARLIEST_US), LATEST_US)


def format_time(moment_us: int) -> str:
    """`2025-01-15T10:30:00.123Z`, with six decimals if the last three are not zero."""
    moment = _EPOCH + timedelta(microseconds=moment_us)
    return moment.isoformat(timespec="microseconds" if moment_us % 1000 else "milliseconds") + "Z"


def _offset_us(sign: str | None, hours: str | None, minutes: str | None) -> int:
    if sign is None:
        return 0
    ahead = int(hours or 0) * 60 + int(minutes or 0)
    if int(minutes or 0) > 59 or ahead >= 24 * 60:
        raise ValueError("the offset must be less than a day")
    return (-ahead if sign == "-" else ahead) * 60_000_000
