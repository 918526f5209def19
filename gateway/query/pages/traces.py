"""The page Traces: traces by their root spans (pages.md, "Traces")."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gateway.query.language import EVERYTHING, Node, render
from gateway.query.language.edits import only
from gateway.query.language.nodes import Compare, Term
from gateway.query.pages.empty import empty
from gateway.query.pages.facet import Facet, facet_of
from gateway.query.pages.logs.words import words_of
from gateway.query.pages.page import Page
from gateway.query.pages.view import View
from gateway.query.times import parse_time
from gateway.query.traces.roots import Root, find_traces, parse_traces

SORTS = {"time": "Newest", "duration": "Slowest", "errors": "Most errors"}
"""What `sort` takes -> its text."""

SLOW = ("100ms", "1s", "10s")
"""Quick filters: longer than this."""

FACETS = ("status", "service", "environment", "release")
MAX_VALUES = 10
MIN_BAR = 0.4
"""Percent."""


class Row(NamedTuple):
    """`share`: of the longest trace that is listed, percent. `others`: services beside that of the root span."""

    root: Root
    time: int
    href: str
    share: float
    others: list[str]


async def _find(view: View) -> Mapping[str, Any]:
    query = parse_traces(view.given)
    asked = query.asked
    complete = (await view.deps.complete_of(asked.tables)).within(asked.as_of)
    found = await find_traces(view.deps.reader, view.project.project_id, query)
    filtered = asked.q != EVERYTHING
    sort = query.paging.sort.name
    return {
        "asked": asked,
        "picker": view.picker(asked.range),
        "badge": view.badge(complete),
        "share": view.shared(asked.range, complete),
        "facets": [_facet(view, asked.q, found.traces, field) for field in FACETS] if found.traces else [],
        "words": words_of(asked.q),
        "rows": _rows(view, found.traces),
        "failed": sum(root.errors > 0 for root in found.traces),
        "order": SORTS[sort],
        "spans": sum(root.spans for root in found.traces),
        "sorts": [(text, view.url(sort=name), name == sort) for name, text in SORTS.items()],
        "slow": [(least, view.url(q=_slower(asked.q, least), sort=sort)) for least in SLOW],
        "next": view.onward(asked.range, sort=sort, cursor=found.next) if found.next else "",
        "previous": view.onward(asked.range, sort=sort, cursor=found.previous) if found.previous else "",
        "empty": None if found.traces else await empty(view, "traces", asked.range, complete, filtered=filtered),
    }


def _rows(view: View, roots: Sequence[Root]) -> list[Row]:
    longest = max((root.duration_ms for root in roots), default=0) or 1
    return [
        Row(
            root,
            parse_time(root.timestamp),
            view.url(f"traces/{root.trace_id}", at=root.timestamp),
            max(MIN_BAR, round(root.duration_ms / longest * 100, 2)),
            [service for service in root.services if service != root.service],
        )
        for root in roots
    ]


def _facet(view: View, tree: Node, roots: Sequence[Root], field: str) -> Facet:
    """How many of the traces that are shown have each value."""
    counts = Counter(value for root in roots if (value := getattr(root, field)))
    most = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_VALUES]
    return facet_of(view, tree, field, most, note="traces shown")


def _slower(tree: Node, least: str) -> str:
    return render(only(tree, Term("duration", Compare(">", least))))


TRACES = Page("traces", "traces.html", _find, title="Traces", key="t", for_agents=True, saves=True)
