"""What stands where on the line of a span."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.query.pages.waterfall.attributes import attributes_of, kind_of, reason_of, tokens_of
from gateway.query.pages.waterfall.lines import MAX_LEVELS, Line
from gateway.query.pages.waterfall.marks import Mark
from gateway.query.pages.waterfall.stretches import Axis, Piece, own_stretches
from gateway.query.traces.critical import Stretch
from gateway.query.traces.spans import Span

STEP = 10
"""Pixels of a level."""

MAX_FAILED = 100
"""Diamonds of a line that stands for many spans."""

_MIDDLE = STEP / 2 - 0.5
_CHARACTERS = 0.6
"""A percent, of 350 pixels."""
_RIGHTMOST, _LEFTMOST = 72.0, 28.0
"""Percent: a text stands right of a bar that ends before the one, else left of a bar that begins after the other."""


class Label(NamedTuple):
    """A text beside a bar. `x` in percent, `dx` in pixels."""

    text: str
    css: str
    x: float
    dx: int
    anchor: str

    @property
    def shown(self) -> str:
        """Left of a bar it would lose its beginning where there is no room for it."""
        most = int(self.x * _CHARACTERS) if self.anchor == "end" else len(self.text)
        return self.text if len(self.text) <= most else self.text[:most] + "…"


class Row(NamedTuple):
    """`span`: the first of its spans; `equal`: how many. `below`: spans without a line that it stands for, too,
    `failed_below` of them failed. `us`, `own_us`: how long its spans took together, and they
    alone. `guide`: the tree, as a path in pixels."""

    n: int
    span: Span
    kind: str
    equal: int
    below: int
    failed_below: int
    us: int
    own_us: int
    indent: int
    guide: str
    on_path: bool
    frame: Piece | None
    pieces: list[Piece]
    marks: list[Mark]
    label: Label | None
    tags: list[str]


@dataclass(frozen=True)
class Trace:
    """What is known of a trace, by the places of its spans."""

    spans: Sequence[Span]
    children: Sequence[Sequence[int]]
    critical: Mapping[int, Sequence[Stretch]]
    axis: Axis

    def stretch(self, n: int) -> Stretch:
        return Stretch(self.spans[n].start_us, self.spans[n].start_us + self.spans[n].duration_us)


def row_of(trace: Trace, line: Line, hidden: Sequence[int], marks: list[Mark]) -> Row:
    """`hidden`: the places of the spans that it stands for beside its own. `marks`: of all its spans."""
    n = line.first
    span = trace.spans[n]
    attributes = attributes_of(span) if len(line.places) == 1 else {}
    kind = kind_of(span.operation, attributes)
    whole = trace.stretch(n)
    failed = [Mark("error", trace.axis.at(trace.stretch(each).end), "failed") for each in _failed(trace, line)]
    return Row(
        n=n,
        span=span,
        kind=kind,
        equal=len(line.places),
        below=len(hidden),
        failed_below=sum(trace.spans[each].status == "error" for each in hidden),
        us=sum(trace.spans[each].duration_us for each in line.places),
        own_us=sum(trace.spans[each].self_us for each in line.places),
        indent=min(line.depth, MAX_LEVELS) * STEP,
        guide=_guide(line),
        on_path=any(each in trace.critical for each in line.places),
        frame=trace.axis.pieces("llm", [whole])[0] if kind == "llm" else None,
        pieces=_pieces(trace, line),
        marks=[*marks, *failed[:MAX_FAILED]],
        label=_label(trace.axis, whole, reason_of(attributes, span.status_message), "err")
        if span.status == "error"
        else _label(trace.axis, whole, tokens_of(attributes), ""),
        tags=_tags(span),
    )


def _pieces(trace: Trace, line: Line) -> list[Piece]:
    """All of it below, over that its own time, over that its part of the critical path."""
    wholes = [trace.stretch(n) for n in line.places]
    own: list[Stretch] = []
    path: list[Stretch] = []
    for n, whole in zip(line.places, wholes, strict=True):
        own += own_stretches(whole, [trace.stretch(child) for child in trace.children[n]])
        path += trace.critical.get(n, ())
    has_children = any(trace.children[n] for n in line.places)
    pieces = trace.axis.pieces("debug", wholes) if has_children else []
    return [*pieces, *trace.axis.pieces("info", own or wholes), *trace.axis.pieces("acc", path)]


def _failed(trace: Trace, line: Line) -> list[int]:
    return [n for n in line.places if trace.spans[n].status == "error"]


def _label(axis: Axis, whole: Stretch, text: str, css: str) -> Label | None:
    start, end = map(axis.at, whole)
    if not text:
        return None
    if end <= _RIGHTMOST:
        return Label(text, css, end, 10, "start")
    return Label(text, css, start, -6, "end") if start >= _LEFTMOST else None


def _guide(line: Line) -> str:
    """Lines down from the levels above, and one to the span."""
    levels = min(line.depth, MAX_LEVELS)
    if not levels:
        return ""
    down = [f"M{level * STEP + _MIDDLE} 0v24" for level, goes_on in enumerate(line.guides[: levels - 1]) if goes_on]
    x = (levels - 1) * STEP + _MIDDLE
    return "".join([*down, f"M{x} 0v{12 if line.is_last else 24}M{x} 12h{STEP / 2}"])


def _tags(span: Span) -> list[str]:
    """What is strange about it, in a word; opened it says more."""
    strange = {
        "moved": span.skew_us > 0,
        "no parent": span.orphan,
        "circle": span.in_circle,
        "repeated id": span.repeated,
    }
    return [text for text, is_so in strange.items() if is_so]
