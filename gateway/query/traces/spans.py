"""The spans of one trace, from the table to the tree that is shown."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from gateway.query.language import Condition
from gateway.query.place import PLACE_COLUMNS
from gateway.query.range import Range
from gateway.query.reader import Reader, Rows
from gateway.query.shape import Json, Shape, Time
from gateway.query.source import Source
from gateway.query.stored import json_of
from gateway.query.times import format_time
from gateway.query.traces.critical import critical_path
from gateway.query.traces.tree import Timed, Tree
from shared.signals.traces import SIGNAL

MAX_SPANS = 10_000
"""Of a trace: those that began first are shown."""

MAX_ATTRIBUTES_BYTES = 4_000_000
"""Of the attributes, events and links of all spans of a trace. Those that began first have theirs."""

MAX_RESOURCES = 100
"""Different ones of a trace that are shown; a resource has at most 16 kB."""


class Span(msgspec.Struct, frozen=True):
    """`parent`: place in the list, which has every span behind its parent; null for a root. `start`: as it was sent.
    `start_us`: after the start of the trace, moved by `skew_us` and by what its parents were moved. `self_us`: how long
    none of its children ran. `critical_us`: how long the end of the trace waited for the span itself; null where it is
    not on the critical path. `attributes`, `events` and `links` are null where there was no room for them, too.
    `resource`: place in the trace's resources."""

    span_id: str
    parent_span_id: str | None
    parent: int | None
    depth: int
    operation: str
    service: str | None
    environment: str | None
    release: str | None
    status: str
    start: Time
    start_us: int
    duration_us: int
    self_us: int
    critical_us: int | None
    skew_us: int
    orphan: bool
    in_circle: bool
    repeated: bool
    kind: str | None
    status_message: str | None
    scope_name: str | None
    user_id: str | None
    session_id: str | None
    attributes: Json
    events: Json
    links: Json
    resource: int | None


@dataclass(frozen=True)
class Spans:
    """`range`: from the start of the first span to the end of the last, as they were sent. `count`: of all that there
    are; `attributes_left_out`: of how many spans. `resources`: what sent the spans, each once."""

    spans: list[Span]
    resources: list[Json]
    range: Range
    count: int
    duration_us: int
    attributes_left_out: int


class _Stored(msgspec.Struct, frozen=True):
    span_id: str
    parent_span_id: str | None
    operation: str
    service: str | None
    environment: str | None
    release: str | None
    status: str
    start: int
    duration_us: int
    kind: str | None
    status_message: str | None
    scope_name: str | None
    user_id: str | None
    session_id: str | None
    attributes: Json
    events: Json
    links: Json
    resource: str
    left_out: bool


_ORDER = ", ".join(PLACE_COLUMNS)
_SO_FAR = f"OVER (ORDER BY {_ORDER} ROWS UNBOUNDED PRECEDING)"
_FITS = f"sum(length(attributes) + length(events) + length(links)) {_SO_FAR} <= {MAX_ATTRIBUTES_BYTES}"
_SHAPE = Shape(
    _Stored,
    {
        "start": "toUnixTimestamp64Micro(timestamp)",
        # Rows of former versions have milliseconds alone.
        "duration_us": f"if(duration_us = 0, least(duration_ms, {10**12}) * 1000, least(duration_us, {10**15}))",
        **{name: f"if({_FITS}, {name}, '')" for name in ("attributes", "events", "links")},
        # One that was cut is no JSON any more: `extra` has all of it.
        "resource": f"if(uniqExact(resource) {_SO_FAR} <= {MAX_RESOURCES} AND isValidJSON(resource), resource, '')",
        "left_out": f"NOT ({_FITS}) AND (attributes != '' OR events != '' OR links != '')",
    },
)


async def find_spans(reader: Reader, project_id: str, trace_id: str, where: Iterable[Condition]) -> Spans | None:
    """The tree of a trace; None without spans. `where`: what else is known or asked of them. Raises `TooBig`,
    `Unavailable`."""
    of_trace = Condition("trace_id = %(trace_id)s", {"trace_id": trace_id})
    source = Source.of(reader.database, SIGNAL.table.name, project_id, [*where, of_trace])
    found = await reader.read(_spans, spans_sql(source), source.values, project_id=project_id)
    if found is None or found.count < MAX_SPANS:
        return found
    [(count,)] = await source.rows(reader, "count()")
    return replace(found, count=count)


def spans_sql(source: Source) -> str:
    """The first spans of a trace are chosen before their attributes are read."""
    first = source.query("*", f"ORDER BY {_ORDER} LIMIT {MAX_SPANS}")
    return f"SELECT {_SHAPE.select} FROM ({first}) ORDER BY {_ORDER}"  # noqa: S608 - names of ours


def _spans(rows: Rows) -> Spans | None:
    return tree_of(_SHAPE.rows(rows)) if rows else None


def tree_of(stored: list[_Stored]) -> Spans:
    """At least one span, in order of time."""
    tree = Tree([Timed(each.span_id, each.parent_span_id or "", each.start, each.duration_us) for each in stored])
    critical, depths = critical_path(tree), tree.depths
    began = min(tree.starts[n] for n in tree.roots)
    resources: dict[str, int] = {}
    order = list(tree.walk())
    place = {n: at for at, n in enumerate(order)}
    spans = []
    for n in order:
        each, parent = stored[n], tree.parents[n]
        spans.append(
            Span(
                span_id=each.span_id,
                parent_span_id=each.parent_span_id,
                parent=None if parent is None else place[parent],
                depth=depths[n],
                operation=each.operation,
                service=each.service,
                environment=each.environment,
                release=each.release,
                status=each.status,
                start=format_time(each.start),
                start_us=tree.starts[n] - began,
                duration_us=each.duration_us,
                self_us=tree.own_time(n),
                critical_us=critical.get(n),
                skew_us=tree.skew[n],
                orphan=n in tree.orphans,
                in_circle=n in tree.in_circle,
                repeated=n in tree.repeated,
                kind=each.kind,
                status_message=each.status_message,
                scope_name=each.scope_name,
                user_id=each.user_id,
                session_id=each.session_id,
                attributes=each.attributes,
                events=each.events,
                links=each.links,
                resource=resources.setdefault(each.resource, len(resources)) if each.resource else None,
            )
        )
    return Spans(
        spans=spans,
        resources=list(map(json_of, resources)),
        range=Range(stored[0].start, max(each.start + each.duration_us for each in stored)),
        count=len(stored),
        duration_us=max(map(tree.end, range(len(stored)))) - began,
        attributes_left_out=sum(each.left_out for each in stored),
    )
