"""The payloads of OTLP: resources, in each of them scopes, in each of them records. The body of a request as it came,
or the same with some of its records."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf
from typing import Any, NamedTuple

import msgspec

from shared.envelope import Undecodable
from shared.formats.codec import Codec, Payload
from shared.formats.intake import Laborious
from shared.formats.otlp.attributes import Attributes
from shared.formats.otlp.records import NO_SOURCE, Resource, Source

MOST_GROUPS = 10_000
"""Most resources, and scopes, in a payload: they take memory without being records."""

TOO_MANY_GROUPS = f"more than {MOST_GROUPS} resources and scopes"

_AROUND = 64
"""More bytes than what stands around a record, a scope or a resource, in any encoding."""


class Head(NamedTuple):
    """A resource or a scope, and its schema, as they were sent."""

    sent: Any
    schema_url: Any

    @property
    def size(self) -> int:
        return nbytes(self.sent) + len(self.schema_url or b"") + _AROUND


class Group(NamedTuple):
    """Records, as they were sent, of one resource and one scope."""

    resource: Head
    scope: Head
    records: Sequence[Any]


class OtlpCodec(Codec):
    """What the encodings share: the order of records is that of the bytes, resources and scopes flattened."""

    def __init__(self, make: Callable[[Sequence[Any], Source], Iterable[Any]], decode: Callable[[Any], Any]) -> None:
        """`make` makes `Log` or `Span` of decoded records; `decode` decodes one."""
        self._make = make
        self._decode = decode

    @abstractmethod
    def _frame(self, payload: Payload) -> Any:
        """The request, its records as slices. Raises `Undecodable`."""

    @abstractmethod
    def _opened(self, payload: Payload) -> Any:
        """The request, its records decoded. Raises `Undecodable`."""

    @abstractmethod
    def _resource(self, head: Head) -> Resource: ...

    @abstractmethod
    def _source(self, resource: Resource, head: Head) -> Source:
        """Of the scope of a head."""

    @abstractmethod
    def joined(self, groups: Iterable[Group]) -> bytes:
        """The payload of these groups; those that follow one another share their resource if it is the same object."""

    @abstractmethod
    def with_events(self, sent: Any, indices: Sequence[int]) -> Iterator[Any]:
        """A span, as it is sent, once for each of these events, with only that one."""

    @abstractmethod
    def pieces(self, sent: bytes) -> int:
        """At least as many as a record has attributes, events, links and values, told in microseconds."""

    def record(self, sent: Any) -> Any:
        """The record of a slice, without what its resource and scope say."""
        (made,) = self._make([self._decode(sent)], NO_SOURCE)
        return made

    def read(self, payload: Payload) -> list[Any]:
        made: list[Any] = []
        before: Head | None = None
        for group in _groups(self._opened(payload)):
            if group.resource is not before:  # once, however many scopes it has
                before, resource = group.resource, self._resource(group.resource)
            made += self._make(group.records, self._source(resource, group.scope))
        return made

    def plain(self, payload: Payload) -> Any:
        return [_plain(record) for record in self.read(payload)]

    def keep(self, payload: Payload, indices: Sequence[int]) -> bytes:
        wanted = iter(indices)
        index = next(wanted, -1)
        kept: list[Group] = []
        first = 0
        for group in self.groups(payload):
            records = []
            while first <= index < first + len(group.records):
                records.append(group.records[index - first])
                index = next(wanted, -1)
            first += len(group.records)
            if records:
                kept.append(group._replace(records=records))
        return self.joined(kept)

    def sizes(self, payload: Payload) -> list[int]:
        """Each with its resource and scope, without which it can't be sent alone."""
        sizes: list[int] = []
        for group in self.groups(payload):
            around = group.resource.size + group.scope.size + _AROUND
            sizes += [around + nbytes(sent) for sent in group.records]
        return sizes

    def cut(self, payload: Payload, room: int) -> Iterator[tuple[bytes, int]]:
        part: list[Group] = []
        size = 0
        for group in self.groups(payload):
            begin = 0
            size += self._head_size(part, group)
            for index, sent in enumerate(group.records):
                own = nbytes(sent) + _AROUND
                if size + own > room and (part or index > begin):
                    yield self._part([*part, group._replace(records=group.records[begin:index])])
                    part, begin = [], index
                    size = self._head_size(part, group)
                size += own
            part.append(group._replace(records=group.records[begin:]))
        if part:
            yield self._part(part)

    def marked(self, payload: Payload, marks: Sequence[bytes], most_pieces: float) -> list[Group]:
        """The groups with those of their records that hold one of the marks. Raises `Laborious`."""
        found: list[Group] = []
        for group in self.groups(payload):
            texts = [(sent, bytes(sent)) for sent in group.records]
            texts = [(sent, text) for sent, text in texts if any(mark in text for mark in marks)]
            if texts and most_pieces < inf:
                most_pieces -= sum(self.pieces(text) for _, text in texts)
                if most_pieces < 0:
                    raise Laborious
            if texts:
                found.append(group._replace(records=[sent for sent, _ in texts]))
        return found

    def _part(self, groups: list[Group]) -> tuple[bytes, int]:
        groups = [group for group in groups if group.records]
        return self.joined(groups), sum(len(group.records) for group in groups)

    def _head_size(self, before: list[Group], group: Group) -> int:
        is_same = bool(before) and before[-1].resource is group.resource
        return group.scope.size + (0 if is_same else group.resource.size)

    def groups(self, payload: Payload) -> list[Group]:
        """Those that have records, as slices. Raises `Undecodable`."""
        return _groups(self._frame(payload))


def nbytes(sent: Any) -> int:
    """Without the copy that `bytes` makes of a slice."""
    return memoryview(sent).nbytes


def _groups(request: Any) -> list[Group]:
    found: list[Group] = []
    seen = 0
    for resource in request.resources or ():
        head = Head(resource.resource, resource.schema_url)
        scopes = resource.scopes or ()
        seen += 1 + len(scopes)
        if seen > MOST_GROUPS:
            raise Undecodable(TOO_MANY_GROUPS)
        for scope in scopes:
            if scope.records:
                found.append(Group(head, Head(scope.scope, scope.schema_url), list(scope.records)))
    return found


def _plain(value: Any) -> Any:
    """Structs and attributes as objects of JSON."""
    if isinstance(value, Attributes):
        return value.values
    if isinstance(value, msgspec.Struct):
        return {name: _plain(each) for name, each in msgspec.structs.asdict(value).items()}
    return list(map(_plain, value)) if isinstance(value, list) else value
