"""The time zone that pages are written in: the one that a visitor has chosen, else UTC (pages.md, "Times").

It belongs to the request: whatever a template or a chart writes of time is in it. Addresses, files and pages for agents
are in UTC, always.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC as UTC_INFO
from datetime import datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from gateway.query.times import clamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC_INFO)
_US = timedelta(microseconds=1)


@dataclass(frozen=True)
class Zone:
    """`name`: as IANA has it. A wall time is what clocks there show, in microseconds as if it were UTC. One that clocks
    show twice, or never, is two moments: `first` and `last` of them."""

    name: str
    info: tzinfo

    @property
    def label(self) -> str:
        """`Berlin`: short enough for the head of a table."""
        return self.name.rpartition("/")[2].replace("_", " ")

    def moment(self, us: int) -> datetime:
        """Microseconds since the epoch as a time there."""
        return (_EPOCH + us * _US).astimezone(self.info)

    def wall(self, us: int) -> int:
        """What clocks there show at a moment."""
        return (self.moment(us).replace(tzinfo=UTC_INFO) - _EPOCH) // _US

    def first(self, wall: int) -> int:
        return clamp(min(self._moments(wall)))

    def last(self, wall: int) -> int:
        return clamp(max(self._moments(wall)))

    def _moments(self, wall: int) -> tuple[int, int]:
        shown = _EPOCH + wall * _US
        once, again = (shown.replace(tzinfo=self.info, fold=fold).astimezone(UTC_INFO) for fold in (0, 1))
        return (once - _EPOCH) // _US, (again - _EPOCH) // _US


UTC = Zone("UTC", UTC_INFO)

_chosen: ContextVar[Zone] = ContextVar("zone", default=UTC)


@cache
def zone_names() -> frozenset[str]:
    """All that may be chosen. The first call reads a folder."""
    return frozenset(available_timezones()) - {"localtime", "Factory"}


@cache
def _loaded(name: str) -> Zone:
    return Zone(name, ZoneInfo(name))


def zone_named(name: str) -> Zone:
    """UTC where there is none of this name."""
    return _loaded(name) if name != UTC.name and name in zone_names() else UTC


def zone() -> Zone:
    """What this request's times are written in."""
    return _chosen.get()


def write_in(zone: Zone) -> None:
    """All times of this request from here on."""
    _chosen.set(zone)


def moment_of(us: int) -> datetime:
    """Microseconds since the epoch as a time in the zone of the request."""
    return zone().moment(us)
