"""The messages of OTLP in JSON, with the field names of `schema`. Null is as good as absent; unknown keys are ignored.

A record decoded by these types is checked: what is inside the value of an attribute is the writer's to read.
"""

from collections.abc import Iterable
from operator import attrgetter
from typing import Annotated, Any, Generic, TypeVar

import msgspec

T = TypeVar("T")
N = TypeVar("N")
"""How numbers are read."""

_NO = msgspec.Raw()

Fast = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None
"""A number, or with a decoder that is not strict the text of one: what SDKs send."""

Slow = int | float | Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{0,20}\Z")] | None
"""Any number, or text, which may be empty: what may be sent."""

NUMBERS = frozenset(
    {
        *("dropped_attributes_count", "dropped_events_count", "dropped_links_count", "flags"),
        *("time_unix_nano", "observed_time_unix_nano", "start_time_unix_nano", "end_time_unix_nano"),
    }
)
"""The fields that are numbers."""

Enum = int | str | None
"""A number, or a name: protobuf's own (`SPAN_KIND_SERVER`), or `server`, as Vercel documents it."""

Text = str | None
Pairs = msgspec.Raw
"""An array of KeyValue, or null. `are_arrays` checks it: as a list of slices it costs twice as much."""


class _Message(msgspec.Struct, gc=False, kw_only=True, rename="camel", omit_defaults=True):
    """One message."""


class ScopeLogs(_Message, Generic[T]):
    scope: msgspec.Raw = _NO
    records: list[T] | None = msgspec.field(default=None, name="logRecords")
    schema_url: Text = None


class ResourceLogs(_Message, Generic[T]):
    resource: msgspec.Raw = _NO
    scopes: list[ScopeLogs[T]] | None = msgspec.field(default=None, name="scopeLogs")
    schema_url: Text = None


class Logs(_Message, Generic[T]):
    resources: list[ResourceLogs[T]] | None = msgspec.field(default=None, name="resourceLogs")


class ScopeSpans(_Message, Generic[T]):
    scope: msgspec.Raw = _NO
    records: list[T] | None = msgspec.field(default=None, name="spans")
    schema_url: Text = None


class ResourceSpans(_Message, Generic[T]):
    resource: msgspec.Raw = _NO
    scopes: list[ScopeSpans[T]] | None = msgspec.field(default=None, name="scopeSpans")
    schema_url: Text = None


class Traces(_Message, Generic[T]):
    resources: list[ResourceSpans[T]] | None = msgspec.field(default=None, name="resourceSpans")


class _Attributed(_Message, Generic[N]):
    attributes: Pairs = _NO
    dropped_attributes_count: N | None = None


class Resource(_Attributed[N], Generic[N]):
    pass


class InstrumentationScope(_Attributed[N], Generic[N]):
    name: Text = None
    version: Text = None


class LogRecord(_Attributed[N], Generic[N]):
    time_unix_nano: N | None = None
    observed_time_unix_nano: N | None = None
    severity_number: Enum = None
    severity_text: Text = None
    body: msgspec.Raw = _NO
    flags: N | None = None
    trace_id: Text = None
    span_id: Text = None
    event_name: Text = None


class Event(_Attributed[N], Generic[N]):
    time_unix_nano: N | None = None
    name: Text = None


class Link(_Attributed[N], Generic[N]):
    trace_id: Text = None
    span_id: Text = None
    trace_state: Text = None
    flags: N | None = None


class Status(_Message, Generic[N]):
    message: Text = None
    code: Enum = None


class Span(_Attributed[N], Generic[N]):
    trace_id: Text = None
    span_id: Text = None
    trace_state: Text = None
    parent_span_id: Text = None
    flags: N | None = None
    name: Text = None
    kind: Enum = None
    start_time_unix_nano: N | None = None
    end_time_unix_nano: N | None = None
    events: list[Event[N]] | None = None
    dropped_events_count: N | None = None
    links: list[Link[N]] | None = None
    dropped_links_count: N | None = None
    status: Status[N] | None = None


def are_arrays(attributed: Iterable[Any]) -> bool:
    """Whether the attributes of each are an array, null or absent."""
    texts = map(bytes, map(attrgetter("attributes"), attributed))
    return {text[:1] for text in texts} <= {b"[", b"n", b""}
