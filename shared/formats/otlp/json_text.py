"""OTLP in JSON."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, Literal

import msgspec

from shared.envelope import Undecodable
from shared.formats.codec import Payload
from shared.formats.lenient_json import valid_utf8
from shared.formats.otlp import json_schema as schema
from shared.formats.otlp.attributes import Attributes
from shared.formats.otlp.codec import MOST_GROUPS, TOO_MANY_GROUPS, Group, Head, OtlpCodec
from shared.formats.otlp.json_values import UNREADABLE, attributes_of, body_of
from shared.formats.otlp.records import KINDS, STATUSES, Event, Link, Log, Resource, Source, Span
from shared.formats.otlp.severity import SEVERITIES
from shared.formats.otlp.source import resource_of, source_of
from shared.formats.otlp.values import printable

_LEAST, _LARGEST = -(2**63), 2**64 - 1
"""Of the numbers that are written down anywhere."""

_USUAL = 100
"""More than any number that has a name."""

MARGIN = 50
"""Frames by which the writer's stack may be deeper than the gateway's: JSON may be nested as deep as Python's limit of
recursion allows. To count its brackets would cost as much as all else."""

_SHALLOW = 1_000
"""Bytes of a body that can't be deep."""

_LOGS: Any = schema.Logs, schema.ResourceLogs, schema.ScopeLogs
_SPANS: Any = schema.Traces, schema.ResourceSpans, schema.ScopeSpans

_encode = msgspec.json.Encoder().encode


def _decoder(fast: Any, slow: Any, settle: Callable[[Any], None]) -> Callable[[Any], Any]:
    """Decodes a type with `Fast` numbers, what that refuses with `Slow` ones, which are settled then: their pattern
    costs more than all else."""
    usual, any_number = msgspec.json.Decoder(fast, strict=False).decode, msgspec.json.Decoder(slow).decode

    def decode(sent: Any) -> Any:
        try:
            return usual(sent)
        except msgspec.ValidationError:
            made = any_number(sent)
            settle(made)
            return made

    return decode


def _of_one(kind: Any) -> Callable[[Any], Any]:
    return _decoder(kind[schema.Fast], kind[schema.Slow], _settle)


def _settle(message: Any) -> None:
    """Make numbers of what was sent as numbers, here and in the messages below."""
    for name in message.__struct_fields__:
        value = getattr(message, name)
        if name in schema.NUMBERS:
            setattr(message, name, _number(value))
        elif isinstance(value, list):
            for each in value:
                _settle(each)


def _number(sent: int | float | str | None) -> int:
    if not sent or sent == "-":
        return 0
    return max(_LEAST, min(int(sent), _LARGEST))


def _enums(sent: Sequence[int | str | None], names: Sequence[str] = ()) -> list[int]:
    """Numbers, also of these names."""
    return [each if type(each) is int and 0 <= each < _USUAL else _enum(each, names) for each in sent]


def _enum(sent: int | str | None, names: Sequence[str]) -> int:
    if not isinstance(sent, str):
        return _number(sent)
    name = sent.lower().rpartition("_")[2]
    return names.index(name) if name in names else int(sent) if sent.isdecimal() and len(sent) < 10 else 0


def _texts(sent: Sequence[str | None]) -> list[str]:
    made = [each or "" for each in sent]
    return list(map(printable, made)) if "\0" in "".join(made) else made


def _ids(sent: Sequence[str | None]) -> list[str]:
    return list(map(str.lower, _texts(sent)))


_NO_STATUS: Any = schema.Status()

_decode_resource, _decode_scope = _of_one(schema.Resource), _of_one(schema.InstrumentationScope)


class OtlpJson(OtlpCodec):
    """Payloads of one kind of record."""

    media_type = "application/json"

    def __init__(self, root: Literal["Logs", "Traces"]) -> None:
        is_logs = root == "Logs"
        self._new = _LOGS if is_logs else _SPANS
        record: Any = schema.LogRecord if is_logs else schema.Span
        super().__init__(self._logs if is_logs else self._spans, _of_one(record))
        request = self._new[0]
        self._full = _decoder(request[record[schema.Fast]], request[record[schema.Slow]], _settle)
        self._cut = msgspec.json.Decoder(request[msgspec.Raw]).decode

    def look(self, payload: Payload) -> Iterable[Any]:
        found: list[Any] = []
        heads: list[Any] = []
        for resource in _checked(self._with_margin, payload).resources or ():
            heads.append(_checked(_decode_resource, resource.resource))
            for scope in resource.scopes or ():
                heads.append(_checked(_decode_scope, scope.scope))
                found += scope.records or ()
            if len(heads) > MOST_GROUPS:
                raise Undecodable(TOO_MANY_GROUPS)
        if not schema.are_arrays([*heads, *found, *self._inner(found)]):
            raise Undecodable("attributes that are no array")
        return found

    def _with_margin(self, payload: Payload) -> Any:
        """Decodes as if the stack were deeper than the writer's, which must be able to decode it too."""
        return _deeper(MARGIN, self._full, payload) if len(bytes(payload)) > _SHALLOW else self._full(payload)

    def _inner(self, records: Sequence[Any]) -> Iterable[Any]:
        """What else in records has attributes."""
        if self._new is _SPANS:
            for span in records:
                if span.events or span.links:
                    yield from span.events or ()
                    yield from span.links or ()

    def _frame(self, payload: Payload) -> Any:
        return _checked(self._cut, payload)

    def _opened(self, payload: Payload) -> Any:
        return _checked(self._full, valid_utf8(bytes(payload)))

    def _resource(self, head: Head) -> Resource:
        return resource_of(self, head, _checked(_decode_resource, head.sent))

    def _source(self, resource: Resource, head: Head) -> Source:
        return source_of(self, resource, head, _checked(_decode_scope, head.sent))

    def read(self, payload: Payload) -> list[Any]:
        try:
            return super().read(payload)
        except UNREADABLE as error:
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

    def with_events(self, sent: Any, indices: Sequence[int]) -> Iterator[msgspec.Raw]:
        span = self._decode(sent)
        for event in [span.events[index] for index in indices]:
            span.events = [event]
            yield msgspec.Raw(_encode(span))

    def pieces(self, sent: bytes) -> int:
        return sent.count(b",") + sent.count(b"{")

    def text(self, sent: str | None) -> str:
        return printable(sent) if sent else ""

    def attributes(self, sent: Sequence[msgspec.Raw]) -> list[Attributes]:
        return attributes_of(list(map(bytes, sent)))

    def _logs(self, sent: Sequence[Any], source: Source) -> Iterable[Log]:
        return map(
            Log,
            repeat(source),
            [each.time_unix_nano or 0 for each in sent],
            [each.observed_time_unix_nano or 0 for each in sent],
            _enums([each.severity_number for each in sent], SEVERITIES),
            _texts([each.severity_text for each in sent]),
            [body_of(bytes(each.body)) for each in sent],
            self.attributes([each.attributes for each in sent]),
            [each.dropped_attributes_count or 0 for each in sent],
            [each.flags or 0 for each in sent],
            _ids([each.trace_id for each in sent]),
            _ids([each.span_id for each in sent]),
            _texts([each.event_name for each in sent]),
        )

    def _spans(self, sent: Sequence[Any], source: Source) -> Iterable[Span]:
        statuses = [each.status or _NO_STATUS for each in sent]
        return map(
            Span,
            repeat(source),
            _ids([each.trace_id for each in sent]),
            _ids([each.span_id for each in sent]),
            _ids([each.parent_span_id for each in sent]),
            _texts([each.trace_state for each in sent]),
            [each.flags or 0 for each in sent],
            _texts([each.name for each in sent]),
            _enums([each.kind for each in sent], KINDS),
            [each.start_time_unix_nano or 0 for each in sent],
            [each.end_time_unix_nano or 0 for each in sent],
            self.attributes([each.attributes for each in sent]),
            [each.dropped_attributes_count or 0 for each in sent],
            [self._events(each.events) if each.events else [] for each in sent],
            [each.dropped_events_count or 0 for each in sent],
            [self._links(each.links) if each.links else [] for each in sent],
            [each.dropped_links_count or 0 for each in sent],
            _enums([status.code for status in statuses], STATUSES),
            _texts([status.message for status in statuses]),
        )

    def _events(self, sent: Sequence[Any]) -> list[Event]:
        names = _texts([each.name for each in sent])
        times = [each.time_unix_nano or 0 for each in sent]
        return list(map(Event, names, times, self.attributes([each.attributes for each in sent])))

    def _links(self, sent: Sequence[Any]) -> list[Link]:
        return list(
            map(
                Link,
                _ids([each.trace_id for each in sent]),
                _ids([each.span_id for each in sent]),
                _texts([each.trace_state for each in sent]),
                self.attributes([each.attributes for each in sent]),
            )
        )


def _deeper(frames: int, decode: Callable[[Any], Any], sent: Any) -> Any:
    return _deeper(frames - 1, decode, sent) if frames else decode(sent)


def _checked(decode: Any, sent: Any) -> Any:
    """A message; an absent one, or null, is empty."""
    if not isinstance(sent, msgspec.Raw):
        sent = sent or b"{}"
    elif bytes(sent) in (b"", b"null"):
        sent = b"{}"
    try:
        return decode(sent)
    except UNREADABLE as error:
        raise Undecodable(str(error)) from error
