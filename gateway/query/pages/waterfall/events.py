"""The events of a span that is open, and the spans that it links to."""

from collections.abc import Mapping
from typing import Any, Generic, NamedTuple, TypeVar

from gateway.query.pages.durations import lasting
from gateway.query.pages.view import View
from gateway.query.pages.waterfall.marks import place_of
from gateway.query.pages.waterfall.pair import Pair, objects_of, pairs_of
from gateway.query.times import parse_time
from gateway.query.traces.detail import Trace
from gateway.query.traces.spans import Span

MOST = 50
"""Events, and links, that are shown."""

T = TypeVar("T")


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


class First(NamedTuple, Generic[T]):
    """`total`: how many there are; the first ones are here."""

    total: int
    first: list[T]


def events_of(span: Span) -> First[Event]:
    found = objects_of(bytes(span.events))
    return First(len(found), [_event(span, each) for each in found[:MOST]])


def _event(span: Span, sent: Mapping[str, Any]) -> Event:
    return Event(_when(span, str(sent.get("time", ""))), str(sent.get("name", "")), pairs_of(sent.get("attributes")))


def _when(span: Span, time: str) -> str:
    try:
        after = parse_time(time) - parse_time(span.start)
    except ValueError:
        return ""
    return lasting(after) if after >= 0 else f"-{lasting(-after)}"


def links_of(view: View, trace: Trace, span: Span) -> First[Link]:
    found = objects_of(bytes(span.links))
    places = place_of(trace.spans) if found else {}
    return First(len(found), [_link(view, trace.trace_id, places, each) for each in found[:MOST]])


def _link(view: View, here: str, places: Mapping[str, int], sent: Mapping[str, Any]) -> Link:
    trace_id, span_id = str(sent.get("trace_id", "")), str(sent.get("span_id", ""))
    href = view.url(f"traces/{trace_id}", q=None) if trace_id else ""
    if trace_id == here and span_id in places:
        href = f"{view.here(open=str(places[span_id]), skip=None)}#r-{places[span_id]}"
    return Link(trace_id, span_id, href, pairs_of(sent.get("attributes")))
