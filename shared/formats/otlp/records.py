"""Logs and spans as the writer takes them, the same from protobuf and from JSON."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec

Attributes = dict[str, Any]

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Source(msgspec.Struct, frozen=True, gc=False):
    """What a resource and a scope say once for all of their records, which share it."""

    service: str
    environment: str
    release: str
    resource: str
    """All attributes of the resource as JSON text; '' for none."""
    platform: str
    """The language of the SDK."""
    scope_name: str
    notes: Attributes
    """What else the scope says, for `extra`."""
    is_long: bool
    """The notes are so long that only the first row keeps them."""


NO_SOURCE = Source("", "", "", "", "", "", {}, False)


class Event(msgspec.Struct, frozen=True, gc=False):
    """What happened while a span was open."""

    name: str
    time_ns: int
    attributes: Attributes


class Log(msgspec.Struct, frozen=True, gc=False):
    """Times are nanoseconds since the epoch, 0 for none; ids are hex, of whatever length was sent."""

    source: Source
    time_ns: int
    observed_ns: int
    severity_number: int
    severity_text: str
    body: str | None
    """A text as it is, another body as JSON text, None for none."""
    attributes: Attributes
    dropped_attributes: int
    flags: int
    trace_id: str
    span_id: str
    event_name: str


class Span(msgspec.Struct, frozen=True, gc=False):
    """As `Log`. Links are values for their column."""

    source: Source
    trace_id: str
    span_id: str
    parent_span_id: str
    trace_state: str
    flags: int
    name: str
    kind: int
    start_ns: int
    end_ns: int
    attributes: Attributes
    dropped_attributes: int
    events: list[Event]
    dropped_events: int
    links: list[Attributes]
    dropped_links: int
    status: int
    status_message: str


class Wire(Protocol):
    """How single values lie in the messages of one encoding."""

    def text(self, sent: Any, /) -> str: ...

    def number(self, sent: Any, /) -> int: ...

    def enum(self, sent: Any, names: Sequence[str], /) -> int:
        """The number of one of these names."""

    def id(self, sent: Any, /) -> str:
        """Hex in lower case."""

    def attributes(self, sent: Any, /) -> Attributes: ...

    def body(self, record: Any, /) -> str | None: ...


def log_of(wire: Wire, sent: Any, source: Source) -> Log:
    """The log in a decoded LogRecord."""
    return Log(
        source,
        wire.number(sent.time_unix_nano),
        wire.number(sent.observed_time_unix_nano),
        wire.enum(sent.severity_number, ()),
        wire.text(sent.severity_text),
        wire.body(sent),
        wire.attributes(sent.attributes),
        wire.number(sent.dropped_attributes_count),
        wire.number(sent.flags),
        wire.id(sent.trace_id),
        wire.id(sent.span_id),
        wire.text(sent.event_name),
    )


def span_of(wire: Wire, sent: Any, source: Source) -> Span:
    """The span in a decoded Span."""
    status = sent.status
    return Span(
        source,
        wire.id(sent.trace_id),
        wire.id(sent.span_id),
        wire.id(sent.parent_span_id),
        wire.text(sent.trace_state),
        wire.number(sent.flags),
        wire.text(sent.name),
        wire.enum(sent.kind, KINDS),
        wire.number(sent.start_time_unix_nano),
        wire.number(sent.end_time_unix_nano),
        wire.attributes(sent.attributes),
        wire.number(sent.dropped_attributes_count),
        [_event(wire, event) for event in sent.events or ()],
        wire.number(sent.dropped_events_count),
        [_link(wire, link) for link in sent.links or ()],
        wire.number(sent.dropped_links_count),
        wire.enum(status.code, STATUSES) if status else 0,
        wire.text(status.message) if status else "",
    )


def _event(wire: Wire, sent: Any) -> Event:
    return Event(wire.text(sent.name), wire.number(sent.time_unix_nano), wire.attributes(sent.attributes))


def _link(wire: Wire, sent: Any) -> Attributes:
    return {
        "trace_id": wire.id(sent.trace_id),
        "span_id": wire.id(sent.span_id),
        "trace_state": wire.text(sent.trace_state),
        "attributes": wire.attributes(sent.attributes),
    }


def status_of(span: Span) -> str:
    return STATUSES[span.status] if 0 <= span.status < len(STATUSES) else "unset"


def said(attributes: Attributes, *names: str) -> str:
    """The first of these attributes that is there, as text; '' for none, or one that is neither text nor number."""
    for name in names:
        value = attributes.get(name)
        if isinstance(value, str):
            if value:
                return value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return ""


def iso(ns: int) -> str:
    """A time as ISO 8601 with nanoseconds; '' for none."""
    if not ns:
        return ""
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"
