"""The range of a page as its picker shows it, and where its links lead."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from gateway.query.pages.times import day_clock, seconds
from gateway.query.pages.zone import moment_of, zone
from gateway.query.range import DEFAULT_LAST, Range
from gateway.query.times import format_time

PRESETS = (
    ("15m", "Last 15 minutes"),
    ("30m", "Last 30 minutes"),
    ("1h", "Last 1 hour"),
    ("4h", "Last 4 hours"),
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
)

_UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day"}


class Url(Protocol):
    def __call__(self, page: str | None = None, **changed: str | None) -> str: ...


class Preset(NamedTuple):
    text: str
    code: str
    href: str
    chosen: bool


@dataclass(frozen=True)
class Picker:
    """`last`: how long before now the range begins, if that is how it was asked for."""

    range: Range
    last: str | None
    now: int
    url: Url

    @staticmethod
    def ends(start: int, end: int) -> dict[str, str]:
        return {"start_time": format_time(start), "end_time": format_time(end)}

    @property
    def usual(self) -> str | None:
        """`last` as it counts; None for a range with two ends."""
        given = self.url()
        return self.last or (None if "start_time=" in given or "end_time=" in given else DEFAULT_LAST)

    @property
    def text(self) -> str:
        if self.usual is None:
            return self.exact
        return next((text for code, text in PRESETS if code == self.usual), _last_text(self.usual))

    @property
    def exact(self) -> str:
        """Both ends, with their days where they are not of one day, or not of today."""
        start, end = self.range
        first, last, now = map(moment_of, (start, end, self.now))
        year = "" if first.year == last.year == now.year else f" {last:%Y}"
        if first.date() != last.date():
            return f"{day_clock(start)} to {day_clock(end)}{year} {zone().label}"
        times = [seconds(each) if self.range.seconds < 600 else f"{moment_of(each):%H:%M}" for each in self.range]
        day = "" if last.date() == now.date() else f"{first.day} {first:%b}{year} "
        return f"{day}{' to '.join(times)} {zone().label}"

    @property
    def presets(self) -> list[Preset]:
        return [Preset(text, code, self._last(code), code == self.usual) for code, text in PRESETS]

    @property
    def back(self) -> str:
        """The range of this length that ends where this one begins."""
        return self._moved(-1)

    @property
    def on(self) -> str:
        return self._moved(1)

    @property
    def start_input(self) -> str:
        return f"{moment_of(self.range.start):%Y-%m-%dT%H:%M:%S}"

    @property
    def end_input(self) -> str:
        return f"{moment_of(self.range.end):%Y-%m-%dT%H:%M:%S}"

    def _last(self, code: str) -> str:
        return self.url(last=code, start_time=None, end_time=None, as_of=None)

    def _moved(self, times: int) -> str:
        by = times * (self.range.end - self.range.start + 1)
        return self.url(**self.ends(self.range.start + by, self.range.end + by), last=None, as_of=None)


def _last_text(last: str) -> str:
    number, unit = last[:-1], _UNITS.get(last[-1:], "")
    return f"Last {number} {unit}{'' if number == '1' else 's'}"
