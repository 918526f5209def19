"""Logs and spans as the writer takes them, the same from protobuf and from JSON."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec

from shared.formats.otlp.attributes import Attributes

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES = ("unset", "ok", "error")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Resource(msgspec.Struct, frozen=True, gc=False):
    """What a resource says. The sources of all its scopes get these very texts: a long one is noted once."""

    service: str
    environment: str
    release: str
    attributes: str
    """All of them as JSON text; '' for none."""
    platform: str
    """The language of the SDK."""
    schema_url: str


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
    notes: dict[str, Any]
    """What else the scope says, for `extra`."""
    is_long: bool
    """The notes are so long that only the first row keeps them."""
    is_url_long: bool = False
    """So is the resource's schema URL, which is one of the notes: only the first row of the resource keeps it."""


NO_SOURCE = Source("", "", "", "", "", "", {}, False)


class Event(msgspec.Struct, frozen=True, gc=False):
    """What happened while a span was open."""

    name: str
    time_ns: int
    attributes: Attributes


class Link(msgspec.Struct, frozen=True, gc=False):
    """Another span that has to do with a span."""

    trace_id: str
    span_id: str
    trace_state: str
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
    """As `Log`."""

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
    links: list[Link]
    dropped_links: int
    status: int
    status_message: str


class Wire(Protocol):
    """How single values lie in the messages of one encoding."""

    def text(self, sent: Any, /) -> str: ...

    def attributes(self, sent: Sequence[Any], /) -> list[Attributes]:
        """Of several messages those of each."""


def status_named(status: int) -> str:
    return STATUSES[status] if 0 <= status < len(STATUSES) else "unset"


def said(attributes: Attributes | Mapping[str, Any], *names: str) -> str:
    """The first of these attributes that is there, as text; '' for none, or one that is neither text nor number."""
    for name in names:
        if text := told(attributes.get(name)):
            return text
    return ""


def told(value: Any) -> str:
    """A value as text; '' for one that is neither text nor number."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def iso(ns: int) -> str:
    """A time as ISO 8601 with nanoseconds; '' for none."""
    if not ns:
        return ""
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"
