"""The most common values of a field, each as a part of a query."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from gateway.query.asked import Asked
from gateway.query.dimensions import parse_dimensions
from gateway.query.errors.groups import find_groups, parse_groups
from gateway.query.language import Cost, render, term
from gateway.query.language.field import ATTRIBUTE
from gateway.query.llm.usage import COLUMNS, MAX_GROUPS, UsageQuery, find_usage
from gateway.query.logs.facets import MAX_TOP, find_facets, parse_facets
from gateway.query.pages import errors, traces
from gateway.query.pages.logs.choices import can_be_word
from gateway.query.pages.suggest.fields import LANGUAGES, Suggestion
from gateway.query.pages.view import View
from gateway.query.parameters import Parameters
from gateway.query.traces.roots import find_traces, parse_traces

MAX_VALUE = 200
"""Characters of a value that is suggested: longer ones nobody picks from a list."""

Counts = Sequence[tuple[str, int]]
"""The most common value first."""


async def values(view: View, signal: str, field: str, asked: Asked) -> list[Suggestion]:
    """None of a field that has texts, or is none. Raises `BadQuery`, `TooBig`, `Cramped`, `Rejection`."""
    known = LANGUAGES[signal].fields
    is_attribute = field.startswith(ATTRIBUTE) and can_be_word(field)
    if not is_attribute and (field not in known.names or known[field].cost == Cost.TEXT):
        return []
    name = known[field].name
    counts = await _COUNT[signal](view, asked, name)
    # It is written with the name that was typed, an alias too.
    return [
        Suggestion(render(term(field, value)), f"{count:,}") for value, count in counts if 0 < len(value) <= MAX_VALUE
    ]


async def _of_logs(view: View, asked: Asked, field: str) -> Counts:
    query = parse_facets(Parameters([("fields", field), ("top", str(MAX_TOP))]))
    query = msgspec.structs.replace(query, asked=asked)
    (found,) = (await find_facets(view.deps.reader, view.project.project_id, query)).fields
    return [(each.value or "", each.count) for each in found.values]


async def _of_calls(view: View, asked: Asked, field: str) -> Counts:
    given = Parameters([("group_by", field)])
    dimensions = parse_dimensions(given, "group_by", COLUMNS, 1) if field in COLUMNS or "." in field else ()
    if not dimensions:
        return []
    query = UsageQuery(asked, dimensions, None, MAX_GROUPS, 0)
    found = await find_usage(view.deps.reader, view.project.project_id, query)
    return [(group.key[field] or "", group.used.calls) for group in found.groups]


async def _of_errors(view: View, asked: Asked, field: str) -> Counts:
    if field not in errors.FACETS:
        return []
    query = msgspec.structs.replace(parse_groups(Parameters([])), asked=asked)
    deps = view.deps
    found = await find_groups(deps.groups, deps.states, deps.reader, view.project.project_id, query)
    return _counted(value for group in found.groups for value in _held(group, errors.FACETS[field]))


async def _of_traces(view: View, asked: Asked, field: str) -> Counts:
    if field not in (*traces.FACETS, "operation"):
        return []
    query = msgspec.structs.replace(parse_traces(Parameters([])), asked=asked)
    found = await find_traces(view.deps.reader, view.project.project_id, query)
    return _counted(value for root in found.traces for value in _held(root, field))


def _held(row: Any, name: str) -> Iterable[str]:
    value = getattr(row, name)
    return [value] if isinstance(value, str) else value or ()


def _counted(found: Iterable[str]) -> Counts:
    return Counter(found).most_common()


_COUNT: Mapping[str, Callable[[View, Asked, str], Awaitable[Counts]]] = {
    "logs": _of_logs,
    "errors": _of_errors,
    "traces": _of_traces,
    "llm": _of_calls,
}
