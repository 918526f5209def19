"""OTLP in JSON."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, Literal

import msgspec

from shared.envelope import Undecodable
from shared.formats.codec import Payload
from shared.formats.otlp import json_schema as schema
from shared.formats.otlp.codec import MOST_GROUPS, TOO_MANY_GROUPS, Group, OtlpCodec
from shared.formats.otlp.known import Known
from shared.formats.otlp.records import Attributes, Source, log_of, span_of
from shared.formats.otlp.source import source_of
from shared.formats.otlp.values import json_text, named, printable

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)

_LEAST, _LARGEST = -(2**63), 2**64 - 1
"""Of the numbers that are written down anywhere."""

_INT64 = range(-(2**63), 2**63)

_LOGS: Any = schema.Logs, schema.ResourceLogs, schema.ScopeLogs
_SPANS: Any = schema.Traces, schema.ResourceSpans, schema.ScopeSpans

_encode = msgspec.json.Encoder().encode
_decode_any = msgspec.json.Decoder().decode


def _decoder(fast: Any, slow: Any) -> Callable[[Any], Any]:
    """Decodes a type with `Fast` numbers, what that refuses with `Slow` ones: their pattern costs more than all
    else."""
    usual, any_number = msgspec.json.Decoder(fast, strict=False).decode, msgspec.json.Decoder(slow).decode

    def decode(sent: Any) -> Any:
        try:
            return usual(sent)
        except msgspec.ValidationError:
            return any_number(sent)

    return decode


def _of_one(kind: Any) -> Callable[[Any], Any]:
    return _decoder(kind[schema.Fast], kind[schema.Slow])


_decode_resource, _decode_scope = _of_one(schema.Resource), _of_one(schema.InstrumentationScope)


class OtlpJson(OtlpCodec):
    """Payloads of one kind of record."""

    media_type = "application/json"

    def __init__(self, root: Literal["Logs", "Traces"]) -> None:
        is_logs = root == "Logs"
        self._new = _LOGS if is_logs else _SPANS
        record: Any = schema.LogRecord if is_logs else schema.Span
        super().__init__(log_of if is_logs else span_of, _of_one(record))
        request = self._new[0]
        self._full = _decoder(request[record[schema.Fast]], request[record[schema.Slow]])
        self._cut = msgspec.json.Decoder(request[msgspec.Raw]).decode
        self._known = Known(lambda sent: _pair(_plain(sent)))

    def look(self, payload: Payload) -> Iterable[Any]:
        found: list[Any] = []
        heads: list[Any] = []
        for resource in _checked(self._full, payload).resources or ():
            heads.append(_checked(_decode_resource, resource.resource))
            for scope in resource.scopes or ():
                heads.append(_checked(_decode_scope, scope.scope))
                found += scope.records or ()
            if len(heads) > MOST_GROUPS:
                raise Undecodable(TOO_MANY_GROUPS)
        for attributed in (*heads, *found, *(each for span in found for each in self._inner(span))):
            if not schema.is_array(attributed.attributes):
                raise Undecodable("attributes that are no array")
        return found

    def _inner(self, record: Any) -> Iterable[Any]:
        """What else in a record has attributes."""
        return (*(record.events or ()), *(record.links or ())) if self._new is _SPANS else ()

    def _frame(self, payload: Payload) -> Any:
        return _checked(self._cut, payload)

    def _source(self, group: Group) -> Source:
        resource = _checked(_decode_resource, group.resource.sent)
        return source_of(self, group, resource, _checked(_decode_scope, group.scope.sent))

    def read(self, payload: Payload) -> list[Any]:
        try:
            return super().read(payload)
        except _UNREADABLE as error:
            raise Undecodable(str(error)) from error

    def joined(self, groups: Iterable[Group]) -> bytes:
        new_request, new_resource, new_scope = self._new
        resources: list[Any] = []
        head = None
        for group in groups:
            if group.resource is not head:
                head = group.resource
                resources.append(new_resource(resource=head.sent, schema_url=head.schema_url, scopes=[]))
            scope, url = group.scope
            resources[-1].scopes.append(new_scope(scope=scope, schema_url=url, records=list(group.records)))
        return _encode(new_request(resources=resources))

    def with_event(self, sent: Any, index: int) -> Any:
        span = self._decode(sent)
        span.events = [span.events[index]]
        return msgspec.Raw(_encode(span))

    def text(self, sent: str | None) -> str:
        return printable(sent) if sent else ""

    def number(self, sent: int | float | str | None) -> int:
        if not sent or sent == "-":
            return 0
        return max(_LEAST, min(int(sent), _LARGEST))

    def enum(self, sent: int | str | None, names: Sequence[str]) -> int:
        if not isinstance(sent, str):
            return self.number(sent)
        name = sent.lower().rpartition("_")[2]
        return names.index(name) if name in names else int(sent) if sent.isdecimal() and len(sent) < 10 else 0

    def id(self, sent: str | None) -> str:
        return printable(sent.lower()) if sent else ""

    def attributes(self, sent: msgspec.Raw) -> Attributes:
        return dict(map(self._known.__getitem__, map(bytes, _split(sent)))) if bytes(sent) else {}

    def body(self, record: Any) -> str | None:
        sent = _plain(record.body)
        if isinstance(sent, dict) and isinstance(sent.get("stringValue"), str):
            return printable(sent["stringValue"])
        value = _value(sent)
        return None if value is None else json_text(value)


def _checked(decode: Any, sent: Any) -> Any:
    """A message; an absent one, or null, is empty."""
    if not isinstance(sent, msgspec.Raw):
        sent = sent or b"{}"
    elif bytes(sent) in (b"", b"null"):
        sent = b"{}"
    try:
        return decode(sent)
    except _UNREADABLE as error:
        raise Undecodable(str(error)) from error


_split_array = msgspec.json.Decoder(list[msgspec.Raw] | None).decode


def _split(sent: msgspec.Raw) -> list[msgspec.Raw]:
    return _split_array(sent) or []


def _plain(raw: msgspec.Raw | bytes) -> Any:
    """Any JSON; None for what can't be read."""
    try:
        return _decode_any(raw) if bytes(raw) else None
    except _UNREADABLE:
        return None


def _pair(sent: Any) -> tuple[str, Any]:
    if not isinstance(sent, dict):
        return "", None
    key = sent.get("key")
    return (printable(key) if isinstance(key, str) else ""), _value(sent.get("value"))


def _value(sent: Any) -> Any:
    """A value as JSON holds it (contracts.md, "Attributes of OTLP"); None for what is no value."""
    if not isinstance(sent, dict):
        return None
    for name, value in sent.items():
        if value is not None and (read := _KINDS.get(name)):
            return read(value)
    return None


def _integer(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        return None
    # JavaScript SDKs call every whole number an integer, 1e300 too.
    return number if number in _INT64 else _double(value)


def _double(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else named(number)


def _array(value: Any) -> Any:
    values = value.get("values") if isinstance(value, dict) else None
    return [_value(each) for each in values] if isinstance(values, list) else []


def _object(value: Any) -> Any:
    values = value.get("values") if isinstance(value, dict) else None
    return dict(map(_pair, values)) if isinstance(values, list) else {}


def _string(value: Any) -> Any:
    return printable(value) if isinstance(value, str) else None


def _boolean(value: Any) -> Any:
    return value if isinstance(value, bool) else None


_KINDS: Mapping[str, Any] = {
    "stringValue": _string,
    "boolValue": _boolean,
    "intValue": _integer,
    "doubleValue": _double,
    "arrayValue": _array,
    "kvlistValue": _object,
    "bytesValue": _string,
}
