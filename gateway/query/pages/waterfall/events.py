"""The events of a span that is open, and the spans that it links to."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gateway.query.pages.durations import lasting
from gateway.query.pages.view import View
from gateway.query.pages.waterfall.pair import Pair, objects_of, pairs_of
from gateway.query.times import parse_time
from gateway.query.traces.detail import Trace
from gateway.query.traces.spans import Span

MOST = 50
"""Events, and links, that are shown."""


class Event(NamedTuple):
    """`when`: how long after the start of the span; '' where that isn't known."""

    when: str
    name: str
    attributes: list[Pair]


class Link(NamedTuple):
    """`href`: the other trace, or in this one the span, opened."""

    trace_id: str
    span_id: str
    href: str
    attributes: list[Pair]


def events_of(span: Span) -> list[Event]:
    return [
        Event(_when(span, str(each.get("time", ""))), str(each.get("name", "")), pairs_of(each.get("attributes")))
        for each in objects_of(bytes(span.events))
    ]


def _when(span: Span, time: str) -> str:
    try:
        after = parse_time(time) - parse_time(span.start)
    except ValueError:
        return ""
    return lasting(after) if after >= 0 else f"-{lasting(-after)}"


def links_of(view: View, trace: Trace, span: Span) -> list[Link]:
    places = {each.span_id: n for n, each in reversed(list(enumerate(trace.spans)))}
    return list(_links(view, trace.trace_id, places, objects_of(bytes(span.links))))


def _links(view: View, here: str, places: Mapping[str, int], sent: Iterator[Mapping[str, Any]]) -> Iterator[Link]:
    for each in sent:
        trace_id, span_id = str(each.get("trace_id", "")), str(each.get("span_id", ""))
        href = view.url(f"traces/{trace_id}", q=None) if trace_id else ""
        if trace_id == here and span_id in places:
            href = f"{view.here(open=str(places[span_id]), skip=None)}#r-{places[span_id]}"
        yield Link(trace_id, span_id, href, pairs_of(each.get("attributes")))
