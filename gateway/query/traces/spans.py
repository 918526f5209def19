"""The spans of one trace, from the table to the tree that is shown."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from gateway.query.language import Condition
from gateway.query.place import PLACE_COLUMNS
from gateway.query.range import Range
from gateway.query.reader import Reader, Rows
from gateway.query.shape import NO_JSON, Json, Shape, Time
from gateway.query.source import Source
from gateway.query.times import format_time
from gateway.query.traces.critical import critical_path
from gateway.query.traces.tree import Timed, Tree
from shared.signals.traces import SIGNAL

MAX_SPANS = 10_000
"""Of a trace: those that began first are shown."""

MAX_ATTRIBUTES_BYTES = 4_000_000
"""Of all spans of a trace. Those that began first have theirs."""


class Span(msgspec.Struct, frozen=True):
    """`parent`: place in the list, which has every span behind its parent; null for a root. `start`: as it was sent.
    `start_us`: after the start of the trace, moved by `skew_us` and by what its parents were moved. `self_us`: how long
    none of its children ran. `critical_us`: how long the end of the trace waited for the span itself; null where it is
    not on the critical path. `attributes` is null where there was no room for them, too."""

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
    attributes: Json


@dataclass(frozen=True)
class Spans:
    """`range`: from the start of the first span to the end of the last, as they were sent. `count`: of all that there
    are; `attributes_left_out`: of how many spans."""

    spans: list[Span]
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
    attributes: Json
    has_attributes: bool


_ORDER = ", ".join(PLACE_COLUMNS)
_SHAPE = Shape(
    _Stored,
    {
        "start": "toUnixTimestamp64Micro(timestamp)",
        "duration_us": f"least(duration_ms, {10**12}) * 1000",
        "attributes": f"if(sum(length(attributes)) OVER (ORDER BY {_ORDER} ROWS UNBOUNDED PRECEDING)"
        f" <= {MAX_ATTRIBUTES_BYTES}, attributes, '')",
        "has_attributes": "attributes != ''",
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
                attributes=each.attributes,
            )
        )
    return Spans(
        spans=spans,
        range=Range(stored[0].start, max(each.start + each.duration_us for each in stored)),
        count=len(stored),
        duration_us=max(map(tree.end, range(len(stored)))) - began,
        attributes_left_out=sum(each.has_attributes and each.attributes == NO_JSON for each in stored),
    )
