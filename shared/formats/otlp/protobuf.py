"""OTLP in protobuf."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any, Literal

from shared.envelope import Undecodable
from shared.formats.codec import Payload
from shared.formats.otlp.attributes import Attributes, grouped
from shared.formats.otlp.codec import MOST_GROUPS, TOO_MANY_GROUPS, Group, Head, OtlpCodec
from shared.formats.otlp.known import Known
from shared.formats.otlp.protobuf_values import body_of, known_pairs, text
from shared.formats.otlp.records import Event, Link, Log, Resource, Source, Span
from shared.formats.otlp.schema import CUT, FULL, OPEN, DecodeError
from shared.formats.otlp.source import resource_of, source_of

IN_ONE_GO = 1_000_000
"""Bytes of the largest body that is decoded whole: an empty message of two bytes takes 64 to 128 bytes of memory."""

_BEGINNINGS = b"\x0a\x12\x1a\x22\x2a\x32\x4a\x5a\x6a\0"
"""The tags of what is in a record, repeated or not, and the last byte of one that is longer than it need be."""

_decode_status = FULL["Status"].FromString


class Protobuf(OtlpCodec):
    """Payloads of one kind of record."""

    media_type = "application/x-protobuf"

    def __init__(self, root: Literal["Logs", "Traces"]) -> None:
        make, record = (self._logs, "LogRecord") if root == "Logs" else (self._spans, "Span")
        super().__init__(make, OPEN[record].FromString)
        self._full, self._full_record = FULL[root].FromString, FULL[record].FromString
        self._cut, self._open = CUT[root].FromString, OPEN[root].FromString
        self._new = CUT[root]
        self._pairs = known_pairs()
        self._words = Known(text)
        self._statuses = Known(_status)

    def look(self, payload: Payload) -> Iterable[Any]:
        if len(payload) <= IN_ONE_GO:
            return self._records(checked(self._full, payload))
        return self._one_by_one(payload)

    def _records(self, request: Any) -> Sequence[Any]:
        scopes = [scope for resource in request.resources for scope in resource.scopes]
        if len(request.resources) + len(scopes) > MOST_GROUPS:
            raise Undecodable(TOO_MANY_GROUPS)
        if len(scopes) == 1:  # what is only counted needs no object for each record
            return scopes[0].records  # type: ignore[no-any-return]
        return [record for scope in scopes for record in scope.records]

    def _one_by_one(self, payload: Payload) -> Iterator[Any]:
        """Each record is gone before the next one is decoded."""
        before: Head | None = None
        for group in self.groups(payload):
            if group.resource is not before:
                before = group.resource
                checked(FULL["Resource"].FromString, before.sent)
            checked(FULL["InstrumentationScope"].FromString, group.scope.sent)
            for sent in group.records:
                yield checked(self._full_record, sent)

    def read(self, payload: Payload) -> list[Any]:
        try:
            return super().read(payload)
        except DecodeError as error:
            raise Undecodable(str(error)) from error

    def _frame(self, payload: Payload) -> Any:
        return checked(self._cut, payload)

    def _opened(self, payload: Payload) -> Any:
        return checked(self._open, payload)

    def _resource(self, head: Head) -> Resource:
        return resource_of(self, head, OPEN["Resource"].FromString(head.sent))

    def _source(self, resource: Resource, head: Head) -> Source:
        return source_of(self, resource, head, OPEN["InstrumentationScope"].FromString(head.sent))

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

    def with_events(self, sent: Any, indices: Sequence[int]) -> Iterator[bytes]:
        span = self._decode(sent)
        events = [span.events[index].SerializeToString() for index in indices]
        del span.events[:]
        others = span.SerializeToString()
        for event in events:
            only = OPEN["Span"]()
            only.events.add().MergeFromString(event)
            yield others + only.SerializeToString()  # two texts of one message are that of both merged

    def pieces(self, sent: bytes) -> int:
        return len(sent) - len(sent.translate(None, _BEGINNINGS))

    def text(self, sent: bytes) -> str:
        return text(sent)

    def attributes(self, sent: Sequence[Any]) -> list[Attributes]:
        slices = [each[:] for each in sent]
        return grouped(self._pairs.all(list(chain.from_iterable(slices))), map(len, slices))

    def _logs(self, sent: Sequence[Any], source: Source) -> Iterable[Log]:
        words = self._words
        return map(
            Log,
            repeat(source),
            [each.time_unix_nano for each in sent],
            [each.observed_time_unix_nano for each in sent],
            [each.severity_number for each in sent],
            [words[each.severity_text] for each in sent],
            [body_of(each.body) for each in sent],
            self.attributes([each.attributes for each in sent]),
            [each.dropped_attributes_count for each in sent],
            [each.flags for each in sent],
            [each.trace_id.hex() for each in sent],
            [each.span_id.hex() for each in sent],
            [words[each.event_name] for each in sent],
        )

    def _spans(self, sent: Sequence[Any], source: Source) -> Iterable[Span]:
        words, statuses = self._words, [self._statuses[each.status] for each in sent]
        return map(
            Span,
            repeat(source),
            [each.trace_id.hex() for each in sent],
            [each.span_id.hex() for each in sent],
            [each.parent_span_id.hex() for each in sent],
            [words[each.trace_state] for each in sent],
            [each.flags for each in sent],
            [words[each.name] for each in sent],
            [each.kind for each in sent],
            [each.start_time_unix_nano for each in sent],
            [each.end_time_unix_nano for each in sent],
            self.attributes([each.attributes for each in sent]),
            [each.dropped_attributes_count for each in sent],
            [self._events(events) if events else [] for events in [each.events for each in sent]],
            [each.dropped_events_count for each in sent],
            [self._links(links) if links else [] for links in [each.links for each in sent]],
            [each.dropped_links_count for each in sent],
            [code for code, _ in statuses],
            [message for _, message in statuses],
        )

    def _events(self, sent: Sequence[Any]) -> list[Event]:
        attributes = self.attributes([each.attributes for each in sent])
        return [Event(text(each.name), each.time_unix_nano, own) for each, own in zip(sent, attributes, strict=True)]

    def _links(self, sent: Sequence[Any]) -> list[Link]:
        attributes = self.attributes([each.attributes for each in sent])
        return [
            Link(each.trace_id.hex(), each.span_id.hex(), text(each.trace_state), own)
            for each, own in zip(sent, attributes, strict=True)
        ]


def _status(sent: bytes) -> tuple[int, str]:
    status = _decode_status(sent)
    return status.code, text(status.message)


def checked(decode: Any, sent: Any) -> Any:
    """The message. Raises `Undecodable`, and MemoryError for one that takes more than there is."""
    try:
        return decode(sent)
    except DecodeError as error:
        if "alloc failed" in str(error):
            raise MemoryError(str(error)) from error
        raise Undecodable(str(error)) from error
