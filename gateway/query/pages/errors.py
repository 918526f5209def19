"""The page Errors: groups of errors (pages.md, "Errors")."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.query.complete import Complete
from gateway.query.errors.group import ErrorGroup
from gateway.query.errors.groups import SORTS, ErrorGroups, find_groups, parse_groups
from gateway.query.groups import COLUMN
from gateway.query.language import EVERYTHING, Node, render, term
from gateway.query.language.edits import add
from gateway.query.pages.chart import Bar, Chart, histogram, spark
from gateway.query.pages.empty import empty
from gateway.query.pages.facet import Facet, facet_of
from gateway.query.pages.logs.words import words_of
from gateway.query.pages.page import Page
from gateway.query.pages.times import ago
from gateway.query.pages.view import View
from gateway.query.range import Range
from gateway.query.times import parse_time
from gateway.query.trend import PARTS

SORT_TEXTS = {"last": "Last seen", "first": "First seen", "count": "Events", "users": "Users", "trend": "Trend"}

_FACETS = {"service": "services", "environment": "environments", "release": "releases"}
"""Field -> where a group names its values."""

MAX_VALUES = 10


class Row(NamedTuple):
    """`message`: without the type, which stands before it."""

    group: ErrorGroup
    message: str
    href: str
    bars: list[Bar]
    releases: str
    first: str
    last: str


async def _find(view: View) -> Mapping[str, Any]:
    query = parse_groups(view.given)
    asked = query.asked
    complete = (await view.deps.complete_of(asked.tables)).within(asked.as_of)
    found = await find_groups(view.deps.groups, view.deps.states, view.deps.reader, view.project.project_id, query)
    filtered = asked.q != EVERYTHING
    return {
        "asked": asked,
        "picker": view.picker(asked.range),
        "badge": view.badge(complete),
        "chart": _chart(found, asked.range, complete) if found.groups else None,
        "facets": [_facet(view, asked.q, found, field) for field in _FACETS] if found.groups else [],
        "words": words_of(asked.q),
        "rows": [_row(view, asked.q, group) for group in found.groups],
        "events": sum(group.count for group in found.groups),
        "sorts": [(SORT_TEXTS[sort], view.url(sort=sort), sort == query.sort) for sort in SORTS],
        "next": view.at(*asked.range, sort=query.sort, cursor=found.next) if found.next else "",
        "first_page": query.cursor is None,
        "empty": None if found.groups else await empty(view, "errors", asked.range, complete, filtered=filtered),
    }


def _chart(found: ErrorGroups, range: Range, complete: Complete) -> Chart:
    """The events of these groups over the range."""
    part = -(-(range.end - range.start + 1) // PARTS)
    sums = [sum(group.trend[n] for group in found.groups) for n in _parts()]
    counts = [(range.start + n * part, {"bar": each} if each else {}) for n, each in enumerate(sums)]
    return histogram(range, counts, ["bar"], bucket_us=part, complete=complete.up_to, height=48)


def _parts() -> range:
    return range(PARTS)


def _row(view: View, tree: Node, group: ErrorGroup) -> Row:
    releases = group.releases
    return Row(
        group=group,
        message=group.message.removeprefix(f"{group.type}: "),
        href=view.url(q=render(add(tree, term(COLUMN, group.fingerprint)))),
        bars=spark(group.trend),
        releases=releases[0] + (f", {len(releases) - 1} more" if releases[1:] else "") if releases else "",
        first=ago(parse_time(group.first_seen), view.now),
        last=ago(parse_time(group.last_seen), view.now),
    )


def _facet(view: View, tree: Node, found: ErrorGroups, field: str) -> Facet:
    """How many of the groups that are shown have each value."""
    counts: dict[str, int] = {}
    for group in found.groups:
        for value in getattr(group, _FACETS[field]):
            counts[value] = counts.get(value, 0) + 1
    most = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_VALUES]
    return facet_of(view, tree, field, most, note="groups shown")


ERRORS = Page("errors", "errors.html", _find, title="Errors", key="e")
