"""The messages of OTLP in JSON, with the field names of `schema`. Null is as good as absent; unknown keys are ignored.

A record decoded by these types is checked: what is inside the value of an attribute is the writer's to read.
"""

from typing import Annotated, Generic, TypeVar

import msgspec

T = TypeVar("T")

_NO = msgspec.Raw()

Number = int | float | Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{0,20}\Z")] | None
"""64-bit integers are text or number, the others a number."""

Text = str | None
Pairs = list[msgspec.Raw] | None


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


class _Attributed(_Message):
    attributes: Pairs = None
    dropped_attributes_count: Number = None


class Resource(_Attributed):
    pass


class InstrumentationScope(_Attributed):
    name: Text = None
    version: Text = None


class LogRecord(_Attributed):
    time_unix_nano: Number = None
    observed_time_unix_nano: Number = None
    severity_number: Number = None
    severity_text: Text = None
    body: msgspec.Raw = _NO
    flags: Number = None
    trace_id: Text = None
    span_id: Text = None
    event_name: Text = None


class Event(_Attributed):
    time_unix_nano: Number = None
    name: Text = None


class Link(_Attributed):
    trace_id: Text = None
    span_id: Text = None
    trace_state: Text = None
    flags: Number = None


class Status(_Message):
    message: Text = None
    code: Number = None


class Span(_Attributed):
    trace_id: Text = None
    span_id: Text = None
    trace_state: Text = None
    parent_span_id: Text = None
    flags: Number = None
    name: Text = None
    kind: Number = None
    start_time_unix_nano: Number = None
    end_time_unix_nano: Number = None
    events: list[Event] | None = None
    dropped_events_count: Number = None
    links: list[Link] | None = None
    dropped_links_count: Number = None
    status: Status | None = None
