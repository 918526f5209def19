"""Traces, by their root spans (reading.md, "Traces")."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from gateway.query.asked import Asked, parse_asked
from gateway.query.language import Condition
from gateway.query.listing import Listing
from gateway.query.paging import Paging, Sort, find_page, parse_paging
from gateway.query.parameters import Parameters
from gateway.query.question import Question
from gateway.query.range import within
from gateway.query.reader import Reader
from gateway.query.shape import Shape, Time
from gateway.query.source import Source
from gateway.query.times import clamp
from gateway.query.traces.fields import LANGUAGE
from shared.signals.traces import SIGNAL

EARLIER_US, LATER_US = 5 * 60 * 1_000_000, 3_600_000_000
"""How long before the range and after it a span may begin that counts to a trace of the range."""

MAX_NAMES = 20
"""Services of a trace that are named."""


class Traces(Listing, frozen=True, kw_only=True):
    traces: list["Root"]


class Root(msgspec.Struct, frozen=True):
    """A span without a parent, and of its whole trace: `spans`, `errors` (spans that failed), `services`."""

    trace_id: str
    span_id: str
    timestamp: Time
    operation: str
    service: str | None
    environment: str | None
    release: str | None
    status: str
    duration_ms: int
    spans: int
    errors: int
    services: list[str]


class TracesQuery(msgspec.Struct, frozen=True):
    asked: Asked
    paging: Paging


class _Whole(msgspec.Struct, frozen=True):
    """What is counted of a trace."""

    trace_id: str
    spans: int
    errors: int
    services: list[str]


_TABLE = SIGNAL.table.name
_ROOTS = Condition("parent_span_id = '' AND trace_id != ''")
_BY_ERRORS = Sort("errors", "failed.errors")
_SORTS = (Sort("time"), Sort("duration", "duration_ms"), _BY_ERRORS)
_ROOT = Shape(Root, {"spans": "1", "errors": "0", "services": "emptyArrayString()"})
_WHOLE = Shape(
    _Whole,
    {
        "spans": "count()",
        "errors": "countIf(status = 'error')",
        "services": f"arraySlice(arraySort(groupUniqArrayIf(service, service != '')), 1, {MAX_NAMES})",
    },
)


def parse_traces(given: Parameters) -> TracesQuery:
    """Raises `BadQuery`."""
    query = TracesQuery(parse_asked(given, LANGUAGE), parse_paging(given, _SORTS))
    given.finish()
    return query


async def find_traces(reader: Reader, project_id: str, query: TracesQuery) -> Traces:
    """Raises `TooBig`, `Unavailable`."""
    conditions = [*query.asked.conditions(LANGUAGE), _ROOTS]
    source = Source.of(reader.database, _TABLE, project_id, conditions)
    around = _around(reader, project_id, query.asked)
    if query.paging.sort == _BY_ERRORS:
        source = _with_errors(source, around)
    page = await find_page(reader, source, _ROOT, query.paging)
    wholes = await _wholes(reader, around, [root.trace_id for root in page.rows])
    roots = [_complete(root, wholes) for root in page.rows]
    return Traces(traces=roots, next=page.next, previous=page.previous)


async def _wholes(reader: Reader, around: Source, trace_ids: Sequence[str]) -> dict[str, _Whole]:
    if not trace_ids:
        return {}
    source = around.narrowed(Condition("trace_id IN %(trace_ids)s", {"trace_ids": tuple(dict.fromkeys(trace_ids))}))
    found = await source.read(reader, _WHOLE.rows, _WHOLE.select, "GROUP BY trace_id")
    return {whole.trace_id: whole for whole in found}


def _complete(root: Root, wholes: dict[str, _Whole]) -> Root:
    whole = wholes.get(root.trace_id)
    if whole is None:  # its rows have gone in the meantime
        return root
    return msgspec.structs.replace(root, spans=whole.spans, errors=whole.errors, services=whole.services)


def _around(reader: Reader, project_id: str, asked: Asked) -> Source:
    """The spans that count to the traces of a range."""
    start, end = asked.range
    bounds = within(clamp(start - EARLIER_US), clamp(end + LATER_US), name="around_")
    return Source.of(reader.database, _TABLE, project_id, [*bounds, *asked.state])


def _with_errors(source: Source, around: Source) -> Source:
    """The roots, each beside the number of its trace's spans that failed. GLOBAL: over shards a join of tables that are
    spread is refused otherwise."""
    failed = around.narrowed(Condition("status = 'error'"))
    counted = failed.query("trace_id, count() AS errors", "GROUP BY trace_id")
    return replace(
        source, joined=Condition(f"GLOBAL LEFT ANY JOIN ({counted}) AS failed USING (trace_id)", failed.values)
    )


TRACES = Question("/traces", "Traces, by their root spans", parse_traces, find_traces, Traces)
