"""The page LLM: what calls to models cost, took and used (pages.md, "LLM")."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gateway.query.asked import Asked, parse_asked
from gateway.query.dimensions import Dimension, parse_dimensions
from gateway.query.language import EVERYTHING, Node, render, term
from gateway.query.language.edits import add
from gateway.query.language.field import ATTRIBUTE
from gateway.query.language.nodes import Compare, Term
from gateway.query.llm.calls import SORTS, CallsQuery, LlmCall, find_calls
from gateway.query.llm.course import find_cost, find_course
from gateway.query.llm.fields import LANGUAGE
from gateway.query.llm.usage import COLUMNS, MAX_DIMENSIONS, USUAL, UsageQuery, find_usage
from gateway.query.pages.empty import empty
from gateway.query.pages.page import Page
from gateway.query.pages.usage.budgets import find_budgets
from gateway.query.pages.usage.groups import groups_of
from gateway.query.pages.usage.measures import MEASURES, Measure, course_chart, width_of, width_text
from gateway.query.pages.usage.month import month_of, month_range
from gateway.query.pages.usage.offered import offered_attributes
from gateway.query.pages.view import View
from gateway.query.paging import Paging, parse_paging
from gateway.query.parameters import Parameters
from gateway.query.times import parse_time
from gateway.query.together import together

SORT_TEXTS = {"cost": "Dearest", "latency": "Slowest", "tokens": "Most tokens", "time": "Newest"}
"""Orders of the calls -> their texts, the usual one first."""

CALLS = 20
MAX_KEY = 200
"""Characters of an attribute's key."""

GROUPS = 20


class Asking(NamedTuple):
    asked: Asked
    dimensions: tuple[Dimension, ...]
    measure: str
    paging: Paging

    @property
    def shown(self) -> Measure:
        return MEASURES[self.measure]

    @property
    def group_by(self) -> str:
        return ",".join(dimension.name for dimension in self.dimensions)


class Call(NamedTuple):
    """`href`: its trace; '' for none."""

    call: LlmCall
    time: int
    href: str


def _parse(view: View) -> Asking:
    """Raises `BadQuery`."""
    given = view.given
    sorts = sorted(SORTS, key=lambda sort: list(SORT_TEXTS).index(sort.name))
    asking = Asking(
        asked=parse_asked(given, LANGUAGE, lambda: view.now),
        dimensions=_dimensions(given),
        measure=given.choice("measure", MEASURES, "cost"),
        paging=parse_paging(given, sorts, CALLS),
    )
    given.finish()
    return asking


def _dimensions(given: Parameters) -> tuple[Dimension, ...]:
    """`attribute` is a form's way to say `group_by=attr.<key>`."""
    attribute = given.text("attribute", most=MAX_KEY)
    chosen = parse_dimensions(given, "group_by", COLUMNS, MAX_DIMENSIONS) or USUAL
    if not attribute:
        return chosen
    named = Parameters([("group_by", ATTRIBUTE + attribute.replace(",", " "))])
    return parse_dimensions(named, "group_by", COLUMNS, 1) or chosen


async def _find(view: View) -> Mapping[str, Any]:
    asking = _parse(view)
    asked, reader, project_id = asking.asked, view.deps.reader, view.project.project_id
    width = width_of(asked.range)
    complete = (await view.deps.complete_of(asked.tables)).within(asked.as_of)
    usage, course, cost, calls, budgets = await together(
        find_usage(reader, project_id, UsageQuery(asked, asking.dimensions, width, GROUPS, 0)),
        find_course(reader, project_id, asked, width),
        find_cost(reader, project_id, month_range(view.now)),
        find_calls(reader, project_id, CallsQuery(asked, asking.paging)),
        find_budgets(view),
    )
    filtered = asked.q != EVERYTHING
    nothing = None if usage.total.calls else await empty(view, "LLM calls", asked.range, complete, filtered=filtered)
    return {
        "asked": asked,
        "picker": view.picker(asked.range),
        "badge": view.badge(complete),
        "share": view.shared(asked.range, complete),
        "empty": nothing,
        "total": usage.total,
        "month": month_of(view.now, cost),
        "budgets": budgets,
        "measure": asking.shown,
        "step": width_text(width),
        "chart": None if nothing else course_chart(asked.range, width, course, asking.shown, complete.up_to),
        "names": [dimension.name for dimension in asking.dimensions],
        "groups": groups_of(view, asked.q, usage, asking.shown, asked.range, width),
        "more_groups": usage.next is not None,
        "calls": [_call(view, call) for call in calls.calls],
        "next": _beside(view, asking, calls.next),
        "previous": _beside(view, asking, calls.previous),
        **_links(view, asking, await asyncio.to_thread(offered_attributes, calls.calls)),
    }


def _links(view: View, asking: Asking, attributes: Sequence[str]) -> Mapping[str, Any]:
    """To the page with something else chosen: (text, address, whether it is chosen). `attributes`: those that are
    offered, as dimensions."""
    sort = asking.paging.sort.name
    return {
        "measures": [
            (each.text, view.here(measure=name, cursor=None), name == asking.measure) for name, each in MEASURES.items()
        ],
        "dimensions": _choices(view, asking, attributes),
        "order": SORT_TEXTS[sort],
        "sorts": [(text, view.here(sort=name, cursor=None), name == sort) for name, text in SORT_TEXTS.items()],
        "unpriced": view.here(q=render(_unpriced(asking.asked.q)), cursor=None),
        "kept": {**view.hidden([]), "measure": asking.measure},
    }


def _choices(view: View, asking: Asking, attributes: Sequence[str]) -> list[tuple[str, str, bool]]:
    """What the calls may be grouped by: the columns, attributes that calls have, and what is chosen."""
    names = dict.fromkeys([*COLUMNS, *attributes, asking.group_by])
    return [
        (
            name.capitalize() if name in COLUMNS else name,
            view.here(group_by=name, attribute=None),
            name == asking.group_by,
        )
        for name in names
    ]


def _unpriced(tree: Node) -> Node:
    """Calls with tokens that cost nothing."""
    return add(add(tree, term("cost", "0")), Term("tokens", Compare(">", "0")))


def _call(view: View, call: LlmCall) -> Call:
    trace = view.url(f"traces/{call.trace_id}", q=None, at=call.timestamp) if call.trace_id else ""
    return Call(call, parse_time(call.timestamp), trace)


def _beside(view: View, asking: Asking, cursor: str | None) -> str:
    """The address of the calls before or after these, of the same range; '' for none."""
    if cursor is None:
        return ""
    own = {"group_by": asking.group_by, "measure": asking.measure, "sort": asking.paging.sort.name}
    return view.onward(asking.asked.range, **own, cursor=cursor)


LLM = Page("llm", "llm.html", _find, title="LLM", key="a", for_agents=True, saves=True)
