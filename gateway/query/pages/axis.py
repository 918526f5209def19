"""The times that stand below a chart (pages.md, "Charts")."""

from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from gateway.query.pages.zone import moment_of, zone

_STEPS_S = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)
_MOST_TICKS = 8
_HOUR_US = 3_600_000_000


class Tick(NamedTuple):
    """`x`: percent; `anchor`: how the text lies to it."""

    x: float
    text: str
    anchor: str


def ticks(first: int, span: int) -> list[Tick]:
    """The round times, by the reader's clocks, of an axis that begins at `first` and is `span` long, microseconds."""
    step = next((step for step in _STEPS_S if span / 1_000_000 / step <= _MOST_TICKS), _STEPS_S[-1]) * 1_000_000
    found: list[Tick] = []
    for at in _round_times(first, step):
        if at >= first + span or len(found) >= 4 * _MOST_TICKS:
            break
        x = (at - first) / span * 100
        anchor = "start" if x < 2 else "end" if x > 98 else "middle"
        found.append(Tick(round(x, 2), _tick_text(at, step), anchor))
    return found


def _round_times(first: int, step: int) -> Iterator[int]:
    """Those from `first` on, without end. Up to an hour apart they are so long apart, also where clocks are put back
    and show an hour twice; beyond it they are what clocks show."""
    wall = -(-zone().wall(first) // step) * step
    by_clock = step > _HOUR_US
    begins = first + wall - zone().wall(first)
    for n in count():
        at = zone().last(wall + n * step) if by_clock else begins + n * step
        if at >= first:
            yield at


def _tick_text(at: int, step: int) -> str:
    moment = moment_of(at)
    if step >= 86_400_000_000:
        return f"{moment.day} {moment:%b}"
    if step < 60_000_000:
        return f"{moment:%H:%M:%S}"
    return f"{moment:%H:%M}" if moment.hour or moment.minute else f"{moment.day} {moment:%b}"
