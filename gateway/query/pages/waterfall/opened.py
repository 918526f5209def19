"""A span that is open: what it is, what is strange about it, and what else happened in it."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from gateway.query.language import render, term
from gateway.query.language.field import ATTRIBUTE
from gateway.query.pages.by_path import MAX_ATTRIBUTES
from gateway.query.pages.durations import lasting
from gateway.query.pages.facet import MAX_LINKED
from gateway.query.pages.view import View
from gateway.query.pages.waterfall.attributes import attributes_of
from gateway.query.pages.waterfall.events import Event, First, Link, events_of, links_of
from gateway.query.pages.waterfall.pair import Pair, pairs_of, written
from gateway.query.shape import NO_JSON
from gateway.query.traces.beside import TraceLog
from gateway.query.traces.detail import Trace
from gateway.query.traces.spans import Span


class OpenedSpan(NamedTuple):
    """`logs`: of the trace's first ones those that name it. `more`: attributes that are not shown. `resource`: what
    sent it."""

    n: int
    span: Span
    facts: list[tuple[str, str]]
    notes: list[str]
    fields: list[Pair]
    attributes: list[Pair]
    more: int
    events: First[Event]
    links: First[Link]
    resource: list[Pair]
    logs: list[TraceLog]


def opened_span(view: View, trace: Trace, n: int | None) -> OpenedSpan | None:
    """None where the trace has no such place."""
    if n is None or n >= len(trace.spans):
        return None
    span = trace.spans[n]
    attributes = list(attributes_of(span).items())
    return OpenedSpan(
        n=n,
        span=span,
        facts=list(_facts(span, trace.duration_us)),
        notes=list(_notes(span, trace)),
        fields=list(_fields(view, span)),
        attributes=[_attribute(view, span, name, value) for name, value in attributes[:MAX_ATTRIBUTES]],
        more=max(0, len(attributes) - MAX_ATTRIBUTES),
        events=events_of(span),
        links=links_of(view, trace, span),
        resource=[] if span.resource is None else pairs_of(json.loads(bytes(trace.resources[span.resource]))),
        logs=[log for log in trace.beside.logs.first if span.span_id and log.span_id == span.span_id],
    )


def _facts(span: Span, whole_us: int) -> Iterator[tuple[str, str]]:
    yield "Starts at", lasting(span.start_us)
    yield "Takes", lasting(span.duration_us)
    yield "Own time", lasting(span.self_us)
    if span.critical_us is not None:
        share = round(span.critical_us / max(whole_us, 1) * 100)
        yield "On the critical path", f"{lasting(span.critical_us)}, {share} % of the trace"


def _notes(span: Span, trace: Trace) -> Iterator[str]:
    if span.skew_us:
        yield (
            f"It was sent as {lasting(span.skew_us)} before its parent: clocks differ. Here it begins with its parent,"
            " and what is below it moved along."
        )
    if span.orphan:
        yield f"Its parent {span.parent_span_id} is not there: not sent, not arrived yet, or no longer kept."
    if span.in_circle:
        yield "Its parents form a circle. The first of them stands at the root."
    if span.repeated:
        yield "An earlier span has its id. What names it as parent stands below that one."
    if span.attributes == NO_JSON and trace.attributes_left_out:
        yield (
            f"{trace.attributes_left_out:,} spans of this trace are shown without their attributes, events and links,"
            " as all of them would be too much; this may be one."
        )


def _fields(view: View, span: Span) -> Iterator[Pair]:
    named = {
        "service": span.service,
        "environment": span.environment,
        "release": span.release,
        "operation": span.operation,
        "status": span.status,
        "kind": span.kind,
        "scope": span.scope_name,
        "user": span.user_id,
        "session": span.session_id,
    }
    for name, value in named.items():
        if value:
            yield Pair(name, value, _search(view, span, name, value))
    if span.status_message:
        yield Pair("status message", span.status_message)
    if span.span_id:
        yield Pair("span", span.span_id)
    if span.parent_span_id:
        yield Pair("parent", span.parent_span_id)


def _attribute(view: View, span: Span, path: str, value: Any) -> Pair:
    text = written(value)
    is_scalar = not isinstance(value, dict | list)
    return Pair(path, text, _search(view, span, f"{ATTRIBUTE}{path}", text) if is_scalar else "")


def _search(view: View, span: Span, field: str, value: str) -> str:
    """Traces are searched by their root spans."""
    if span.parent_span_id or not 0 < len(value) <= MAX_LINKED:
        return ""
    return view.url(q=render(term(field, value)))
