"""One trace: its spans as a tree, and what else happened in it (reading.md, "One trace")."""

from functools import partial

import msgspec

from gateway.query.as_of import parse_as_of
from gateway.query.asked import Asked
from gateway.query.groups import Groups
from gateway.query.language.binding import stored
from gateway.query.parameters import Parameters
from gateway.query.question import Question
from gateway.query.range import Range, within
from gateway.query.reader import Reader
from gateway.query.refusals import TraceNotFound
from gateway.query.shape import Json, Time
from gateway.query.times import clamp, format_time, parse_time
from gateway.query.traces.beside import Beside, find_beside
from gateway.query.traces.spans import Span, find_spans
from shared.formats.values import EARLIEST_US, LATEST_US

NEAR_US = 24 * 3_600_000_000
"""How far from `at` a trace's spans may begin."""

ALWAYS = Range(EARLIEST_US, LATEST_US)


class Trace(msgspec.Struct, frozen=True):
    """`start`, `end`: as its spans were sent; `duration_us` once they were moved below their parents. `span_count`: of
    all; the 10,000 that began first are here. `attributes_left_out`: spans whose attributes, events and links had no
    room. `beside`: its logs, errors and calls to models. `resources`: what sent its spans, each once."""

    trace_id: str
    start: Time
    end: Time
    duration_us: int
    span_count: int
    attributes_left_out: int
    beside: Beside
    resources: list[Json]
    spans: list[Span]


class TraceQuery(msgspec.Struct, frozen=True):
    """`near`: None where the whole of what is kept is looked at, by the index alone."""

    asked: Asked
    trace_id: str
    near: Range | None


def parse_trace(given: Parameters) -> TraceQuery:
    """Raises `BadQuery`."""
    query = trace_named(given)
    given.finish()
    return query


def trace_named(given: Parameters) -> TraceQuery:
    """What can't be used becomes an issue of `given`."""
    at = given.parsed("at", parse_time, "datetime_from_date_parsing", "a valid datetime or date")
    near = None if at is None else Range(clamp(at - NEAR_US), clamp(at + NEAR_US))
    return TraceQuery(Asked(near or ALWAYS, as_of=parse_as_of(given)), stored(given.in_path("trace_id")), near)


async def find_trace(groups: Groups, reader: Reader, project_id: str, query: TraceQuery) -> Trace:
    """Raises `TraceNotFound`, `TooBig`, `Unavailable`."""
    grouping = await groups.of(project_id)
    # Spans without a trace id are no trace.
    near = within(*query.near) if query.near else []
    where = [*near, *query.asked.state]
    found = await find_spans(reader, project_id, query.trace_id, where) if query.trace_id else None
    if found is None:
        raise TraceNotFound
    return Trace(
        trace_id=query.trace_id,
        start=format_time(found.range.start),
        end=format_time(clamp(found.range.end)),
        duration_us=found.duration_us,
        span_count=found.count,
        attributes_left_out=found.attributes_left_out,
        beside=await find_beside(reader, project_id, grouping, query.trace_id, found.range, query.asked.state),
        resources=found.resources,
        spans=found.spans,
    )


def trace_question(groups: Groups) -> Question[TraceQuery]:
    return Question(
        "/traces/{trace_id:path}",  # a client's own text, which may hold slashes
        "A trace",
        parse_trace,
        partial(find_trace, groups),
        Trace,
        {"at": "A time within a day of it, which makes it quicker to find."},
        TraceNotFound(),
    )
