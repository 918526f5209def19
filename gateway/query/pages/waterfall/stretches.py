"""Stretches of time on a line, as pieces of a bar."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gateway.query.traces.critical import Stretch

MIN_WIDTH = 0.3
"""Percent: so much is seen of the shortest one."""

MAX_PIECES = 200
"""Of one kind on one line; more are drawn together."""


class Piece(NamedTuple):
    """`x` and `width` in percent."""

    css: str
    x: float
    width: float


class Axis(NamedTuple):
    """A trace's time, from 0 to `us`."""

    us: int

    def at(self, us: int) -> float:
        """Percent; what is beyond an end stands there."""
        return round(min(max(us / self.us * 100, 0.0), 100.0), 2)

    def pieces(self, css: str, stretches: Iterable[Stretch]) -> list[Piece]:
        return [
            Piece(css, self.at(start), max(MIN_WIDTH, round(self.at(end) - self.at(start), 2)))
            for start, end in coarse(stretches, self.us)
        ]


def own_stretches(whole: Stretch, children: Iterable[Stretch]) -> list[Stretch]:
    """When none of the children ran."""
    found: list[Stretch] = []
    at = whole.start
    for start, end in sorted(children):
        if start > at:
            found.append(Stretch(at, min(start, whole.end)))
        at = max(at, end)
        if at >= whole.end:
            return found
    return [*found, Stretch(at, whole.end)] if at < whole.end else found


def coarse(stretches: Iterable[Stretch], whole: int) -> list[Stretch]:
    """In order, those together between which nobody would see a gap; at most `MAX_PIECES`."""
    gap = whole // 1_000
    found = _joined(sorted(stretches), gap)
    while len(found) > MAX_PIECES:
        gap = 2 * gap + 1
        found = _joined(found, gap)
    return found


def _joined(stretches: Sequence[Stretch], gap: int) -> list[Stretch]:
    found: list[Stretch] = []
    for start, end in stretches:
        if found and start - found[-1].end <= gap:
            found[-1] = Stretch(found[-1].start, max(end, found[-1].end))
        else:
            found.append(Stretch(start, end))
    return found
