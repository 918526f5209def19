"""The whole trace, small: a hair for each of its longest lines."""

from collections.abc import Sequence
from typing import NamedTuple

from gateway.query.pages.waterfall.lines import Line
from gateway.query.pages.waterfall.rows import Trace
from gateway.query.pages.waterfall.stretches import Piece

MOST = 300
HEIGHT = 54
TOP = 16
"""Pixels above it, for the times."""

MIN_LINES = 25
"""A trace of fewer lines is seen whole without it."""


class Hair(NamedTuple):
    """`x` and `width` in percent, `y` in pixels."""

    css: str
    x: float
    width: float
    y: float


def overview(trace: Trace, lines: Sequence[Line]) -> list[Hair]:
    if len(lines) < MIN_LINES:
        return []
    longest = sorted(range(len(lines)), key=lambda at: -trace.spans[lines[at].first].duration_us)[:MOST]
    step = (HEIGHT - TOP - 2) / len(lines)
    return [
        Hair(piece.css, piece.x, piece.width, round(TOP + at * step, 1))
        for at in sorted(longest)
        for piece in _pieces(trace, lines[at])
    ]


def _pieces(trace: Trace, line: Line) -> list[Piece]:
    path = [stretch for n in line.places for stretch in trace.critical.get(n, ())]
    return [*trace.axis.pieces("info", [trace.stretch(n) for n in line.places]), *trace.axis.pieces("acc", path)]
