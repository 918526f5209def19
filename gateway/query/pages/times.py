"""Times as pages write them, in the zone of the request, from microseconds since the epoch."""

from gateway.query.pages.zone import UTC, moment_of, zone
from gateway.query.times import format_time


def clock(us: int) -> str:
    """`14:33:16.672`."""
    moment = moment_of(us)
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03}"


def seconds(us: int) -> str:
    """`14:33:16`."""
    return f"{moment_of(us):%H:%M:%S}"


def day(us: int) -> str:
    """`24 Nov 2026`."""
    moment = moment_of(us)
    return f"{moment.day} {moment:%b %Y}"


def day_clock(us: int) -> str:
    """`24 Nov 14:33`."""
    moment = moment_of(us)
    return f"{moment.day} {moment:%b %H:%M}"


def minute(us: int) -> str:
    """`24 Nov 2026 14:33 UTC`."""
    return f"{day(us)} {moment_of(us):%H:%M} {zone().label}"


def iso(us: int) -> str:
    """`2026-11-24T14:33:16.672Z`, for machines: always in UTC."""
    return format_time(us)


def exact(us: int) -> str:
    """`2026-11-24T15:33:16.672+01:00`; in UTC as `iso` has it."""
    if zone() is UTC:
        return iso(us)
    return moment_of(us).isoformat(timespec="microseconds" if us % 1000 else "milliseconds")


def ago(us: int, now: int) -> str:
    """`38 s`, `4 m`, `3 h`, `6 d`: how long before now."""
    passed = max(0, now - us) // 1_000_000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if passed >= size:
            return f"{passed // size} {unit}"
    return f"{passed} s"


def offset(us: int) -> str:
    """`+0.120 s`, `-4 m 03 s`: how long after a moment, or before it."""
    sign, whole = ("-" if us < 0 else "+"), abs(us)
    if whole < 1_000:
        return f"{sign}{whole} µs" if whole else "same time"
    if whole < 60_000_000:
        return f"{sign}{whole / 1_000_000:.3f} s"
    minutes, left = divmod(whole // 1_000_000, 60)
    return f"{sign}{minutes} m {left:02} s" if minutes < 60 else f"{sign}{minutes // 60} h {minutes % 60:02} m"
