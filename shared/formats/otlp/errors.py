"""Exceptions in log records and in spans' events, which become errors too (contracts.md, "Exceptions")."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby, islice
from math import inf
from typing import Any, NamedTuple

from shared.fingerprint import fingerprint
from shared.formats.base import Columns, Format, Rows
from shared.formats.codec import Payload
from shared.formats.digests import digests
from shared.formats.intake import Derivation, Derived
from shared.formats.otlp.codec import Group, OtlpCodec, nbytes
from shared.formats.otlp.columns import Promoted, moments, source_columns
from shared.formats.otlp.ids import SPAN_BYTES, TRACE_BYTES, ids, is_id
from shared.formats.otlp.json_text import OtlpJson
from shared.formats.otlp.protobuf import Protobuf
from shared.formats.otlp.records import Log, Span, said
from shared.formats.otlp.severity import level_in
from shared.formats.otlp.values import json_bytes
from shared.formats.vercel_ids import vercel_ids

MOST = 8_192
"""Exceptions of one payload that become errors: their ids must leave room in a message for the largest one."""

MOST_OF_ONE_SPAN = 20

TIMES_AS_LARGE, AND_BYTES = 4, 1_000_000
"""How large the errors may be altogether, by the size of the payload."""

_MARK = b"exception."
_EVENT = "exception"
_TYPE, _MESSAGE, _STACK = "exception.type", "exception.message", "exception.stacktrace"
_OWN = frozenset({_TYPE, _MESSAGE, _STACK})

_SEVERITIES = {"fatal": "critical", "error": "high", "warn": "medium"}
"""Of the levels; low for the others."""

_PROMOTED: Promoted = {
    "user_id": ("user.id", "enduser.id"),
    "session_id": ("session.id",),
    "url": ("url.full", "http.url"),
    "user_agent": ("user_agent.original", "http.user_agent"),
}


class _Thrown(NamedTuple):
    """An exception; `event` is the index of its event in a span, None in a log."""

    attributes: dict[str, Any]
    time_ns: int
    event: int | None = None

    def said(self, name: str) -> str:
        return said(self.attributes, name)


def _thrown_in(record: Log | Span) -> list[_Thrown]:
    if isinstance(record, Log):
        has_any = _TYPE in record.attributes or _MESSAGE in record.attributes
        return [_Thrown(record.attributes.values, record.time_ns or record.observed_ns)] if has_any else []
    return [
        _Thrown(event.attributes.values, event.time_ns, index)
        for index, event in enumerate(record.events)
        if event.name == _EVENT
    ]


class _Found(NamedTuple):
    group: Group
    sent: Any
    thrown: _Thrown
    trace_id: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.trace_id, self.thrown.said(_TYPE), self.thrown.said(_MESSAGE)


def derive(codec: OtlpCodec, payload: Payload, most_pieces: float = inf) -> Derived:
    """A record for each exception; spans keep just its event. Of equal ones of one trace only the first counts: an SDK
    records an exception on every span that it leaves. Raises `Laborious`."""
    found = list(_found(codec, payload, most_pieces))
    kept = _first_of_equal(found)
    alone = list(_bounded(_alone(codec, kept), TIMES_AS_LARGE * len(bytes(payload)) + AND_BYTES))
    return Derived(codec.joined(_grouped(alone)), len(alone), len(found) - len(kept), len(kept) - len(alone))


def _first_of_equal(found: Sequence[_Found]) -> list[_Found]:
    first: dict[tuple[str, str, str], _Found] = {}
    for each in found:
        before = first.get(each.key)
        if before is None or each.thrown.time_ns < before.thrown.time_ns:
            first[each.key] = each
    return [each for each in found if not is_id(each.trace_id, TRACE_BYTES) or first[each.key] is each]


def _found(codec: OtlpCodec, payload: Payload, most_pieces: float) -> Iterator[_Found]:
    for group in codec.marked(payload, (_MARK,), most_pieces):
        for sent in group.records:
            record = codec.record(sent)
            for thrown in _thrown_in(record):
                yield _Found(group, sent, thrown, record.trace_id)


def _alone(codec: OtlpCodec, kept: Sequence[_Found]) -> Iterator[tuple[Group, Any]]:
    """Group and record of each, of one span the first ones."""
    for _, some in groupby(kept, key=lambda each: id(each.sent)):
        few = list(islice(some, MOST_OF_ONE_SPAN))
        group, sent, _, _ = few[0]
        events = [each.thrown.event for each in few if each.thrown.event is not None]
        yield from ((group, made) for made in (codec.with_events(sent, events) if events else (sent,)))


def _bounded(alone: Iterator[tuple[Group, Any]], room: int) -> Iterator[tuple[Group, Any]]:
    """As many as fit: each exception of a span repeats the span."""
    for group, sent in islice(alone, MOST):
        room -= nbytes(sent)
        if room < 0:
            return
        yield group, sent


def _grouped(alone: Sequence[tuple[Group, Any]]) -> Iterator[Group]:
    """Those that follow one another in one group: a payload may have only so many groups."""
    for _, some in groupby(alone, key=lambda each: id(each[0])):
        (group, first), *others = some
        yield group._replace(records=[first, *(sent for _, sent in others)])


def columns(rows: Rows) -> Columns:
    """Of records with one exception each."""
    records: list[Log | Span] = rows.records
    thrown = [_thrown_in(record)[0] for record in records]
    types, messages, stacks = ([each.said(name) for each in thrown] for name in (_TYPE, _MESSAGE, _STACK))
    whole = [": ".join(filter(None, each)) for each in zip(types, messages, strict=True)]
    source = source_columns(rows)
    prints = list(map(fingerprint, rows.fingerprint_version, whole, stacks, rows.rules, source["release"]))
    levels = [level_in(record) if isinstance(record, Log) else "error" for record in records]
    attributes = list(map(_attributes, records, thrown))
    texts = [json_bytes(each) if each else b"" for each in attributes]
    beside = [each.get("span", {}) | each for each in attributes]
    return {
        **source,
        **{column: [said(each, *names) for each in beside] for column, names in _PROMOTED.items()},
        "timestamp": moments(rows, [each.time_ns for each in thrown]),
        "event_id": rows.event_id,
        "fingerprint": [made.hash for made in prints],
        "fingerprint_version": rows.fingerprint_version,
        "fingerprint_parts": [made.parts for made in prints],
        "type": types,
        "error_message": messages,
        "stack_trace": stacks,
        "severity": [_SEVERITIES.get(level, "low") for level in levels],
        "level": levels,
        "attributes": texts,
        "trace_id": ids(rows, [record.trace_id for record in records], TRACE_BYTES, "trace_id"),
        "span_id": ids(rows, [record.span_id for record in records], SPAN_BYTES, "span_id"),
        "digest": digests(messages, stacks, texts),
        "vercel_id": vercel_ids(messages, texts),
        "platform": [record.source.platform for record in records],
    }


def _attributes(record: Log | Span, thrown: _Thrown) -> dict[str, Any]:
    """What was said beside the exception, and the span's attributes."""
    own = {name: value for name, value in thrown.attributes.items() if name not in _OWN}
    if isinstance(record, Span) and record.attributes:
        own["span"] = record.attributes.values
    return own


def _format(name: str, codec: OtlpCodec) -> Format:
    return Format(name, signal="errors", columns=columns, codec=codec)


LOGS = _format("otlp.logs.errors", Protobuf("Logs"))
LOGS_JSON = _format("otlp.logs.errors.json", OtlpJson("Logs"))
SPANS = _format("otlp.traces.errors", Protobuf("Traces"))
SPANS_JSON = _format("otlp.traces.errors.json", OtlpJson("Traces"))


def in_records(fmt: Format) -> Derivation:
    """The errors, in one of these formats, in logs or spans of the same encoding."""
    codec = fmt.codec
    assert isinstance(codec, OtlpCodec)
    return Derivation(fmt.name, (_MARK,), partial(derive, codec))
