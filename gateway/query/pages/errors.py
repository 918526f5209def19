"""The page Errors: groups of errors (pages.md, "Errors")."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from gateway.query.complete import Complete
from gateway.query.errors.ever import find_beginnings
from gateway.query.errors.group import ErrorGroup
from gateway.query.errors.groups import SORTS, ErrorGroups, GroupsQuery, find_groups, parse_groups
from gateway.query.language import EVERYTHING, Node
from gateway.query.pages.chart import Bar, Chart, histogram, spark
from gateway.query.pages.empty import empty
from gateway.query.pages.facet import Facet, facet_of
from gateway.query.pages.logs.words import words_of
from gateway.query.pages.page import Page
from gateway.query.pages.tags import Tag, tags
from gateway.query.pages.times import ago
from gateway.query.pages.view import View
from gateway.query.range import Range
from gateway.query.times import parse_time
from gateway.query.trend import PARTS
from shared.error_states import STATUSES

SORT_TEXTS = {"last": "Last seen", "first": "First seen", "count": "Events", "users": "Users", "trend": "Trend"}

FACETS = {"service": "services", "environment": "environments", "release": "releases"}
"""Field -> where a group names its values."""

MAX_VALUES = 10

ALL = ",".join(STATUSES)
_STATUS_TEXTS = {"open": "Open", "resolved": "Resolved", "muted": "Muted", ALL: "All"}
"""What `status` names -> the link's text."""


class Row(NamedTuple):
    """`message`: without the type, which stands before it."""

    group: ErrorGroup
    message: str
    href: str
    bars: list[Bar]
    tags: list[Tag]
    releases: str
    first: str
    last: str


async def _find(view: View) -> Mapping[str, Any]:
    query = parse_groups(view.given)
    # What nobody needs to look at is a click away.
    query = query if query.statuses else msgspec.structs.replace(query, statuses=("open",))
    asked, status = query.asked, ",".join(query.statuses)
    complete = (await view.deps.complete_of(asked.tables)).within(asked.as_of)
    found = await _groups(view, query)
    begun = await _begun(view, found)
    filtered = asked.q != EVERYTHING
    return {
        "asked": asked,
        "picker": view.picker(asked.range),
        "badge": view.badge(complete),
        "chart": _chart(found, asked.range, complete) if found.groups else None,
        "facets": [_facet(view, asked.q, found, field) for field in FACETS] if found.groups else [],
        "words": words_of(asked.q),
        "rows": [_row(view, group, begun.get(group.fingerprint), asked.range) for group in found.groups],
        "events": sum(group.count for group in found.groups),
        "chosen_status": status,
        "statuses": [(text, view.url(status=names), names == status) for names, text in _STATUS_TEXTS.items()],
        "sorts": [(SORT_TEXTS[sort], view.url(sort=sort), sort == query.sort) for sort in SORTS],
        "share": view.shared(asked.range, complete),
        "all_href": "" if len(query.statuses) == len(STATUSES) else view.url(status=ALL),
        "next": view.onward(asked.range, cursor=found.next) if found.next else "",
        "first_page": query.cursor is None,
        "others": not found.groups and await _has_others(view, query),
        "empty": None if found.groups else await empty(view, "errors", asked.range, complete, filtered=filtered),
    }


async def _groups(view: View, query: GroupsQuery) -> ErrorGroups:
    return await find_groups(view.deps.groups, view.deps.states, view.deps.reader, view.project.project_id, query)


async def _begun(view: View, found: ErrorGroups) -> Mapping[str, int]:
    """Group -> when its first error of all happened."""
    grouping = await view.deps.groups.of(view.project.project_id)
    heads = [group.fingerprint for group in found.groups]
    return await find_beginnings(view.deps.reader, view.project.project_id, grouping, heads)


async def _has_others(view: View, query: GroupsQuery) -> bool:
    """Whether groups of another status are found, where none of this one is."""
    if len(query.statuses) == len(STATUSES) or query.cursor is not None:
        return False
    return bool((await _groups(view, msgspec.structs.replace(query, statuses=(), limit=1))).groups)


def _chart(found: ErrorGroups, range: Range, complete: Complete) -> Chart:
    """The events of these groups over the range."""
    part = -(-(range.end - range.start + 1) // PARTS)
    sums = [sum(group.trend[n] for group in found.groups) for n in _parts()]
    counts = [(range.start + n * part, {"bar": each} if each else {}) for n, each in enumerate(sums)]
    return histogram(range, counts, ["bar"], bucket_us=part, complete=complete.up_to, height=48)


def _parts() -> range:
    return range(PARTS)


def _row(view: View, group: ErrorGroup, begun: int | None, range: Range) -> Row:
    releases = group.releases
    return Row(
        group=group,
        message=group.message.removeprefix(f"{group.type}: "),
        href=view.url(f"errors/{group.fingerprint}"),
        bars=spark(group.trend),
        tags=tags((group.status, group.reopened), group.trend, begun, range),
        releases=releases[0] + (f", {len(releases) - 1} more" if releases[1:] else "") if releases else "",
        first=ago(parse_time(group.first_seen), view.now),
        last=ago(parse_time(group.last_seen), view.now),
    )


def _facet(view: View, tree: Node, found: ErrorGroups, field: str) -> Facet:
    """How many of the groups that are shown have each value."""
    counts: dict[str, int] = {}
    for group in found.groups:
        for value in getattr(group, FACETS[field]):
            counts[value] = counts.get(value, 0) + 1
    most = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_VALUES]
    return facet_of(view, tree, field, most, note="groups shown")


KEEPS = ("status", "sort")

ERRORS = Page("errors", "errors.html", _find, title="Errors", key="e", keeps=KEEPS, for_agents=True, saves=True)
