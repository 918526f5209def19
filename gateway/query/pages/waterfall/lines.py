"""The lines of a trace: a span each, or equal neighbours together."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from gateway.query.traces.spans import Span

MIN_EQUAL = 3
"""So many equal neighbours have one line."""

MAX_LEVELS = 12
"""Levels that are drawn; what is deeper stands below the last of them."""


class Line(NamedTuple):
    """`places`: the spans that it stands for. `guides`: of each level above it that is drawn, whether more of it
    follows."""

    places: tuple[int, ...]
    depth: int
    guides: tuple[bool, ...]
    is_last: bool

    @property
    def first(self) -> int:
        return self.places[0]


class Forest:
    """The spans that are shown. One whose parent isn't stands below the nearest that is."""

    def __init__(self, spans: Sequence[Span], shown: Sequence[bool]) -> None:
        self.roots: list[int] = []
        self.children: list[list[int]] = [[] for _ in spans]
        self.order = [n for n, each in enumerate(shown) if each]
        nearest: list[int | None] = []
        for n, span in enumerate(spans):
            above = None if span.parent is None else nearest[span.parent]
            nearest.append(n if shown[n] else above)
            if shown[n]:
                (self.roots if above is None else self.children[above]).append(n)


def lines_of(spans: Sequence[Span], forest: Forest, *, folds: bool, unfolded: frozenset[int]) -> list[Line]:
    """In order. `unfolded`: spans that never share a line."""
    likeness = _likeness(spans, forest) if folds else list(range(len(spans)))

    def runs(siblings: list[int]) -> list[tuple[int, ...]]:
        found: list[tuple[int, ...]] = []
        for _, run in groupby(siblings, likeness.__getitem__):
            places = tuple(run)
            together = len(places) >= MIN_EQUAL and unfolded.isdisjoint(places)
            found += [places] if together else [(n,) for n in places]
        return found

    lines: list[Line] = []
    waiting = _entries(runs(forest.roots), 0, ())
    while waiting:
        line = waiting.pop()
        lines.append(line)
        if len(line.places) == 1:
            guides = (*line.guides, not line.is_last)[:MAX_LEVELS] if line.depth else ()
            waiting += _entries(runs(forest.children[line.first]), line.depth + 1, guides)
    return lines


def owners(spans: Sequence[Span], lines: Sequence[Line]) -> list[int | None]:
    """Of each span the line that stands for it: its own, else that of the nearest span above it which has one."""
    own = {n: at for at, line in enumerate(lines) for n in line.places}
    found: list[int | None] = []
    for n, span in enumerate(spans):
        found.append(own.get(n, None if span.parent is None else found[span.parent]))
    return found


def _entries(runs: list[tuple[int, ...]], depth: int, guides: tuple[bool, ...]) -> list[Line]:
    """The first one last, to be taken first."""
    return [Line(places, depth, guides, n == len(runs) - 1) for n, places in enumerate(runs)][::-1]


def _likeness(spans: Sequence[Span], forest: Forest) -> list[int]:
    """Equal numbers for spans that are equal, with all that is shown below them."""
    known: dict[tuple[object, ...], int] = {}
    found = [0] * len(spans)
    for n in reversed(forest.order):
        span = spans[n]
        strange = span.skew_us > 0, span.orphan, span.in_circle, span.repeated
        below = tuple(found[child] for child in forest.children[n])
        key = (span.operation, span.service, span.status, strange, below)
        found[n] = known.setdefault(key, len(known) + 1)
    return found
