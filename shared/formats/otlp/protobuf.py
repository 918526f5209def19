"""OTLP in protobuf."""

from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import Any, Literal

from shared.envelope import Undecodable
from shared.formats.codec import Payload
from shared.formats.otlp.codec import MOST_GROUPS, TOO_MANY_GROUPS, Group, OtlpCodec
from shared.formats.otlp.known import Known
from shared.formats.otlp.records import Attributes, Source, log_of, span_of
from shared.formats.otlp.schema import CUT, FULL, DecodeError, Message
from shared.formats.otlp.source import source_of
from shared.formats.otlp.values import base64_text, json_text, named, printable

IN_ONE_GO = 1_000_000
"""Bytes of the largest body that is decoded whole: an empty message of two bytes takes 64 to 128 bytes of memory."""


class Protobuf(OtlpCodec):
    """Payloads of one kind of record."""

    media_type = "application/x-protobuf"

    def __init__(self, root: Literal["Logs", "Traces"]) -> None:
        make, record = (log_of, "LogRecord") if root == "Logs" else (span_of, "Span")
        super().__init__(make, CUT[record].FromString)
        self._full, self._full_record = FULL[root].FromString, FULL[record].FromString
        self._cut = CUT[root].FromString
        self._new = CUT[root]
        self._known = Known(_pair)

    def look(self, payload: Payload) -> Iterable[Any]:
        if len(payload) <= IN_ONE_GO:
            return self._records(_checked(self._full, payload))
        return self._one_by_one(payload)

    def _records(self, request: Any) -> list[Any]:
        scopes = [scope for resource in request.resources for scope in resource.scopes]
        if len(request.resources) + len(scopes) > MOST_GROUPS:
            raise Undecodable(TOO_MANY_GROUPS)
        return [record for scope in scopes for record in scope.records]

    def _one_by_one(self, payload: Payload) -> Iterator[Any]:
        """Each record is gone before the next one is decoded."""
        for group in self.groups(payload):
            _checked(FULL["Resource"].FromString, group.resource.sent)
            _checked(FULL["InstrumentationScope"].FromString, group.scope.sent)
            for sent in group.records:
                yield _checked(self._full_record, sent)

    def read(self, payload: Payload) -> list[Any]:
        try:
            return super().read(payload)
        except DecodeError as error:
            raise Undecodable(str(error)) from error

    def _frame(self, payload: Payload) -> Any:
        return _checked(self._cut, payload)

    def _source(self, group: Group) -> Source:
        resource = CUT["Resource"].FromString(group.resource.sent)
        scope = CUT["InstrumentationScope"].FromString(group.scope.sent)
        return source_of(self, group, resource, scope)

    def joined(self, groups: Iterable[Group]) -> bytes:
        request = self._new()
        head = None
        for group in groups:
            if group.resource is not head:
                head = group.resource
                resource = request.resources.add(resource=head.sent, schema_url=head.schema_url)
            resource.scopes.add(scope=group.scope.sent, schema_url=group.scope.schema_url, records=group.records)
        made: bytes = request.SerializeToString()
        return made

    def with_event(self, sent: Any, index: int) -> Any:
        span = self._decode(sent)
        event = span.events[index].SerializeToString()
        del span.events[:]
        span.events.add().MergeFromString(event)
        return span.SerializeToString()

    def text(self, sent: bytes) -> str:
        return printable(sent.decode(errors="replace")) if sent else ""

    def number(self, sent: int) -> int:
        return sent

    def enum(self, sent: int, names: Sequence[str]) -> int:
        return sent

    def id(self, sent: bytes) -> str:
        return sent.hex()

    def attributes(self, sent: Iterable[bytes]) -> Attributes:
        return dict(map(self._known.__getitem__, sent))

    def body(self, record: Any) -> str | None:
        value = record.body
        kind = value.WhichOneof("value")
        if kind is None:
            return None
        if kind == "string_value":
            return self.text(value.string_value)
        return json_text(_value(value))


def _checked(decode: Any, sent: Any) -> Any:
    try:
        return decode(sent)
    except DecodeError as error:
        if "alloc failed" in str(error):
            raise MemoryError(str(error)) from error
        raise Undecodable(str(error)) from error


_decode_pair = CUT["KeyValue"].FromString


def _pair(sent: bytes) -> tuple[str, Any]:
    made = _decode_pair(sent)
    return printable(made.key.decode(errors="replace")), _value(made.value)


def _value(sent: Message) -> Any:
    """A value as JSON holds it (contracts.md, "Attributes of OTLP")."""
    kind = sent.WhichOneof("value")
    if kind is None:
        return None
    value = getattr(sent, kind)
    if kind == "string_value":
        return printable(value.decode(errors="replace"))
    if kind == "double_value":
        return value if isfinite(value) else named(value)
    if kind == "array_value":
        return [_value(each) for each in value.values]
    if kind == "kvlist_value":
        return dict(map(_pair, value.values))
    return base64_text(value) if kind == "bytes_value" else value
