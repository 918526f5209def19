"""The groups of the page LLM: their figures, a strip over time on one scale, and where their names lead."""

from collections.abc import Sequence
from typing import NamedTuple

from gateway.query.buckets import Width
from gateway.query.language import Node, render
from gateway.query.language.edits import exclude, only
from gateway.query.language.nodes import Present, Term, term
from gateway.query.llm.figures import Used
from gateway.query.llm.usage import LlmUsage, UsedBy
from gateway.query.pages.chart import Bar
from gateway.query.pages.facet import MAX_LINKED
from gateway.query.pages.usage.measures import Measure, starts_of
from gateway.query.pages.view import View
from gateway.query.range import Range
from gateway.query.times import parse_time

STRIP = 20
"""Pixels."""

MIN_BAR = 1.0
_FILLED = 0.8


class Cell(NamedTuple):
    """A value that a group has in common. `href`: only its calls; '' for none."""

    text: str
    href: str


class Group(NamedTuple):
    """`share`: of all cost, percent."""

    cells: list[Cell]
    used: Used
    share: float
    bars: list[Bar]


def groups_of(view: View, tree: Node, found: LlmUsage, measure: Measure, range: Range, width: Width) -> list[Group]:
    strips = [_values(group, measure, range, width) for group in found.groups]
    most = max((1, *(max(values, default=0) for values in strips)))
    cost = found.total.cost_usd
    return [
        Group(
            cells=[_cell(view, tree, field, value) for field, value in group.key.items()],
            used=group.used,
            share=group.used.cost_usd / cost * 100 if cost else 0.0,
            bars=strip(values, most),
        )
        for group, values in zip(found.groups, strips, strict=True)
    ]


def strip(values: Sequence[int], most: int) -> list[Bar]:
    """A row's own small chart. Across in percent, heights in pixels."""
    width = 100 / (len(values) or 1)
    bars = []
    for n, value in enumerate(values):
        if value > 0:
            tall = max(MIN_BAR, value / most * STRIP)
            bars.append(
                Bar("bar", round(n * width, 2), round(width * _FILLED, 2), round(STRIP - tall, 1), round(tall, 1))
            )
    return bars


def _values(group: UsedBy, measure: Measure, range: Range, width: Width) -> list[int]:
    known = {parse_time(each.time): sum(measure.stack(each.used).values()) for each in group.buckets}
    return [known.get(start, 0) for start in starts_of(range, width)]


def _cell(view: View, tree: Node, field: str, value: str | None) -> Cell:
    if value is None:
        return Cell("", view.here(q=render(exclude(tree, Term(field, Present()))), cursor=None))
    if len(value) > MAX_LINKED:
        return Cell(value, "")
    return Cell(value, view.here(q=render(only(tree, term(field, value))), cursor=None))
