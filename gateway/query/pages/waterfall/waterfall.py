"""A trace as it is drawn."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from gateway.query.pages.axis import Tick
from gateway.query.pages.durations import duration_ticks, round_step
from gateway.query.pages.waterfall.lines import Forest, Line, lines_of, owners
from gateway.query.pages.waterfall.marks import Clock, Lane, Mark, lanes, marks_of
from gateway.query.pages.waterfall.options import Options
from gateway.query.pages.waterfall.overview import Hair, overview
from gateway.query.pages.waterfall.rows import Row, Trace, row_of
from gateway.query.pages.waterfall.shown import matches, shown
from gateway.query.pages.waterfall.stretches import Axis
from gateway.query.traces import detail
from gateway.query.traces.critical import critical_stretches
from gateway.query.traces.spans import Span
from gateway.query.traces.tree import Timed, Tree

MAX_LINES = 250
"""Of one page; the next ones are a link away."""

_SHORT = 500
"""A span is short if it takes less than this part of the trace."""


class Waterfall(NamedTuple):
    """`lines`: how many there are, of which `rows` are drawn from `skipped` on. `shown`: spans that have a line.
    `found`: spans that hold the text that was looked for. `short_ms`: what *hide short ones* would hide."""

    rows: list[Row]
    lines: int
    skipped: int
    shown: int
    found: int
    lanes: list[Lane]
    overview: list[Hair]
    ticks: list[Tick]
    short_ms: int


def draw(found: detail.Trace, options: Options) -> Waterfall:
    """To be called on a thread: it takes time in proportion to the spans."""
    trace = _trace(found)
    lines = _lines(trace, options)
    owner = owners(trace.spans, lines)
    hidden, marks = _hidden(lines, owner), _marks(trace, found, owner)
    skipped = _skipped(options, owner, len(lines))
    drawn = range(skipped, min(len(lines), skipped + MAX_LINES))
    return Waterfall(
        rows=[row_of(trace, lines[at], hidden[at], marks[at]) for at in drawn],
        lines=len(lines),
        skipped=skipped,
        shown=sum(len(line.places) for line in lines),
        found=len(matches(trace.spans, options.find)) if options.find else 0,
        lanes=lanes(trace.spans, found.beside, Clock.of(trace.spans, trace.axis.us), trace.axis),
        overview=overview(trace, lines),
        ticks=duration_ticks(trace.axis.us),
        short_ms=round_step(trace.axis.us // 1000 // _SHORT),
    )


def _trace(found: detail.Trace) -> Trace:
    """The tree is made once more of what was found, which is the same one: no time in it moves again."""
    tree = Tree([_timed(n, span) for n, span in enumerate(found.spans)])
    return Trace(found.spans, tree.children, critical_stretches(tree), Axis(max(1000, found.duration_us)))


def _timed(n: int, span: Span) -> Timed:
    parent = "" if span.parent is None else str(span.parent)
    return Timed(str(n), parent, span.start_us, span.duration_us)


def _lines(trace: Trace, options: Options) -> list[Line]:
    unfolded = options.unfolded if options.open is None else options.unfolded | {options.open}
    forest = Forest(trace.spans, shown(trace.spans, options))
    return lines_of(trace.spans, forest, folds=options.folds_equal, unfolded=unfolded)


def _hidden(lines: Sequence[Line], owner: Sequence[int | None]) -> dict[int, list[int]]:
    """Line -> the places of the spans that it stands for beside its own."""
    own = {n for line in lines for n in line.places}
    found: dict[int, list[int]] = defaultdict(list)
    for n, at in enumerate(owner):
        if at is not None and n not in own:
            found[at].append(n)
    return found


def _marks(trace: Trace, found: detail.Trace, owner: Sequence[int | None]) -> dict[int, list[Mark]]:
    """Line -> the logs and errors of all spans that it stands for."""
    marks: dict[int, list[Mark]] = defaultdict(list)
    for n, its in marks_of(trace.spans, found.beside, trace.axis).items():
        if (at := owner[n]) is not None:
            marks[at] += its
    return marks


def _skipped(options: Options, owner: Sequence[int | None], lines: int) -> int:
    """Lines before the first that is drawn: as asked for, else the open span is among them."""
    at = options.skip
    if at is None:
        of_open = owner[options.open] if options.open is not None and options.open < len(owner) else None
        at = (of_open or 0) // MAX_LINES * MAX_LINES
    return at if at < lines else 0
