"""A trace in small: the spans that say most of where its time went (pages.md, "One error")."""

from typing import NamedTuple

from gateway.query.as_of import AsOf
from gateway.query.pages.view import View
from gateway.query.range import within
from gateway.query.reader import TooBig
from gateway.query.times import clamp, format_time
from gateway.query.traces.detail import NEAR_US
from gateway.query.traces.spans import Span, Spans, find_spans
from gateway.rejections import Rejection

MOST = 8
ROW = 18
"""Pixels."""

FROM, WIDTH = 30.0, 70.0
"""Percent: where the bars begin, and how wide they are together."""

MIN_WIDTH = 0.4


class Row(NamedTuple):
    """`x`, `width`: percent of the whole chart. `y`: pixels."""

    text: str
    duration_us: int
    css: str
    x: float
    width: float
    y: int


class SmallTrace(NamedTuple):
    """`spans`: of all. `href`: the whole trace."""

    rows: list[Row]
    spans: int
    duration_us: int
    href: str

    @property
    def height(self) -> int:
        return len(self.rows) * ROW


async def trace_around(view: View, trace_id: str, moment: int, as_of: AsOf | None) -> SmallTrace | str | None:
    """None for a trace without spans; a sentence where it can't be had: the error can be read without it. `moment`: of
    the error, microseconds."""
    where = [*within(clamp(moment - NEAR_US), clamp(moment + NEAR_US)), *([] if as_of is None else [as_of.condition])]
    try:
        found = await find_spans(view.deps.reader, view.project.project_id, trace_id, where)
    except (Rejection, TooBig):
        return "The trace could not be had in time. Load the page again, or open it on its own page."
    href = view.url(f"traces/{trace_id}", q=None, at=format_time(moment))
    return small_trace(found, href) if found else None


def small_trace(found: Spans, href: str = "") -> SmallTrace:
    """The first span, those that failed, and those that the end waited for longest; in their order."""
    spans = found.spans
    ranked = sorted(range(len(spans)), key=lambda n: _rank(n, spans[n]))
    whole = max(1, found.duration_us)
    shown = [spans[n] for n in sorted(ranked[:MOST])]
    return SmallTrace(
        [_row(span, whole, n * ROW) for n, span in enumerate(shown)], found.count, found.duration_us, href
    )


def _rank(n: int, span: Span) -> tuple[bool, bool, int, int]:
    return (n != 0, span.status != "error", -(span.critical_us or 0), -span.duration_us)


def _row(span: Span, whole: int, y: int) -> Row:
    start = min(1.0, max(0.0, span.start_us / whole))
    part = min(1.0 - start, span.duration_us / whole)
    width = max(MIN_WIDTH, part * WIDTH)
    text = "  ".join(filter(None, (span.service, span.operation)))
    return Row(text, span.duration_us, _css(span), round(min(FROM + start * WIDTH, 100 - width), 2), round(width, 2), y)


def _css(span: Span) -> str:
    """The accent is for spans that were on the critical path for most of their time."""
    if span.status == "error":
        return "error"
    if span.critical_us is not None and 2 * span.critical_us >= span.duration_us:
        return "acc"
    return "info" if span.parent is not None and 2 * span.self_us >= span.duration_us else "debug"
