"""The protobuf messages of OTLP 1.x, in schemas of our own. Field numbers are those of opentelemetry-proto.

A message and `bytes` have the same wire form: where a schema says `bytes`, upb hands out the slice.

1. `string` is `bytes` in all: the official classes refuse a whole request for one byte of invalid UTF-8, and
   Collectors do send such text.
2. `FULL` decodes everything: what it takes is valid.
3. `CUT` has slices for records, resources and scopes: to sort records.
4. `OPEN` has records, with slices for their attributes, bodies and statuses: to read them
   (performance.md, "Attributes come again").
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

__all__ = ["CUT", "FULL", "OPEN", "DecodeError", "Message"]

_ATTRIBUTES = "attributes={}:KeyValue* dropped_attributes_count={}:uint32"

_MESSAGES = {
    "AnyValue": "string_value=1:bytes bool_value=2:bool int_value=3:int64 double_value=4:double"
    " array_value=5:ArrayValue kvlist_value=6:KeyValueList bytes_value=7:bytes",
    "ArrayValue": "values=1:AnyValue*",
    "KeyValueList": "values=1:KeyValue*",
    "KeyValue": "key=1:bytes value=2:AnyValue",
    "Resource": _ATTRIBUTES.format(1, 2),
    "InstrumentationScope": "name=1:bytes version=2:bytes " + _ATTRIBUTES.format(3, 4),
    "Logs": "resources=1:ResourceLogs*",
    "ResourceLogs": "resource=1:Resource scopes=2:ScopeLogs* schema_url=3:bytes",
    "ScopeLogs": "scope=1:InstrumentationScope records=2:LogRecord* schema_url=3:bytes",
    "LogRecord": "time_unix_nano=1:fixed64 observed_time_unix_nano=11:fixed64 severity_number=2:int32"
    " severity_text=3:bytes body=5:AnyValue flags=8:fixed32 trace_id=9:bytes span_id=10:bytes event_name=12:bytes "
    + _ATTRIBUTES.format(6, 7),
    "Traces": "resources=1:ResourceSpans*",
    "ResourceSpans": "resource=1:Resource scopes=2:ScopeSpans* schema_url=3:bytes",
    "ScopeSpans": "scope=1:InstrumentationScope records=2:Span* schema_url=3:bytes",
    "Span": "trace_id=1:bytes span_id=2:bytes trace_state=3:bytes parent_span_id=4:bytes flags=16:fixed32 name=5:bytes"
    " kind=6:int32 start_time_unix_nano=7:fixed64 end_time_unix_nano=8:fixed64 events=11:Event*"
    " dropped_events_count=12:uint32 links=13:Link* dropped_links_count=14:uint32 status=15:Status "
    + _ATTRIBUTES.format(9, 10),
    "Event": "time_unix_nano=1:fixed64 name=2:bytes " + _ATTRIBUTES.format(3, 4),
    "Link": "trace_id=1:bytes span_id=2:bytes trace_state=3:bytes flags=6:fixed32 " + _ATTRIBUTES.format(4, 5),
    "Status": "message=2:bytes code=3:int32",
    "Metrics": "resources=1:ResourceMetrics*",
    "ResourceMetrics": "scopes=2:ScopeMetrics*",
    "ScopeMetrics": "metrics=2:Metric*",
    "Metric": "gauge=5:Points sum=7:Points histogram=9:Points exponential_histogram=10:Points summary=11:Points",
    "Points": "points=1:bytes*",
    "Response": "partial_success=1:PartialSuccess",
    "PartialSuccess": "rejected=1:int64 error_message=2:bytes",
    "Refusal": "code=1:int32 message=2:bytes",
}
"""Message -> its fields, `name=number:type`, with `*` where it is repeated. `Logs`, `Traces` and `Metrics` are the
requests, of the last only what has to be counted; `Refusal` is google.rpc.Status."""

_FIELD = re.compile(r"(\w+)=(\d+):(\w+)(\*?)")
_PACKAGE = "sluice.otlp"

_Field = descriptor_pb2.FieldDescriptorProto


def _schema(cut: Collection[str] = ()) -> Mapping[str, Any]:
    """The classes of all messages; fields of the `cut` ones are `bytes`."""
    file = descriptor_pb2.FileDescriptorProto(name="otlp.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if name == "AnyValue":
            message.oneof_decl.add(name="value")
        for field, number, kind, star in _FIELD.findall(fields):
            made = message.field.add(name=field, number=int(number))
            made.label = _Field.LABEL_REPEATED if star else _Field.LABEL_OPTIONAL
            if kind[0].islower() or kind in cut:
                made.type = _Field.TYPE_BYTES if kind in cut else getattr(_Field, f"TYPE_{kind.upper()}")
            else:
                made.type, made.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            if name == "AnyValue":
                made.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _MESSAGES
    }


FULL = _schema()
_HEADS = ("Resource", "InstrumentationScope")
CUT = _schema(cut=("LogRecord", "Span", *_HEADS))
OPEN = _schema(cut=("KeyValue", "AnyValue", "Status", *_HEADS))
