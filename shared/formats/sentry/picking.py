"""Picks the records of each format out of what Sentry's SDKs send, and judges each by itself (sentry.md, "Items").

Never encode what you can slice: records are the client's own JSON; only `spans` is taken out of a transaction.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple, get_args

import msgspec

from shared.formats.intake import BadRecord, Picking, TooMany
from shared.formats.sentry import errors, logs, span_rows
from shared.formats.sentry.beside import said_beside
from shared.formats.sentry.envelope import Header, Item, parse
from shared.formats.sentry.lenient import cleaned, event_id_of
from shared.formats.sentry.reading import Fields, array, fields, text
from shared.formats.sentry.reports import discarded
from shared.formats.sentry.shortened import shortened
from shared.formats.sentry.source import service_of
from shared.metrics import DropReason

ERRORS = "sentry.errors"
TRANSACTIONS = "sentry.transactions"
SPANS = "sentry.spans"
LOGS = "sentry.logs"
ITEMS = "sentry.items"
"""What is counted and not stored."""

MAX_RECORD_BYTES = 512_000
MOST = 10_000
"""Records in one request; an SDK sends 1,000 spans at most."""
MOST_EVENTS = 10
"""Events and transactions in one request, each a message of its own; an SDK sends one."""

_SENTENCES = {
    "not_an_object": "it is no JSON object",
    "missing_exception": "it has neither an exception, a message, nor a stack trace",
    "invalid_id": "contexts.trace has no trace_id of 32 and span_id of 16 hex digits",
    "missing_start_time": "it has no start_timestamp",
    "missing_name": "it has no name",
}
"""What an event lacks, by its fault."""

_ENVIRONMENT = "production"
_NOT_STORED = frozenset(reason.removeprefix("item_") for reason in get_args(DropReason) if reason.startswith("item_"))

_encode = msgspec.json.Encoder().encode

Found = tuple[str, Picking]
Judge = Callable[[msgspec.Raw], str]
"""The fault of a record, in one word; '' for a good one."""


class _Records(NamedTuple):
    good: list[bytes]
    bad: list[tuple[str, str]]
    """(place, fault)."""


def pick(body: bytes) -> list[Found]:
    """Format and records of each kind that an envelope holds. Raises `Malformed`, `TooMany`, `BadRecord`."""
    return picked(*parse(body))


def picked(header: Header, items: Sequence[Item]) -> list[Found]:
    """The same, of an envelope that is taken apart."""
    found = _Finding(header)
    for place, item in enumerate(items):
        found.take(str(place), item)
    return found.all()


class _Finding:
    """What has been found in an envelope so far."""

    def __init__(self, header: Header) -> None:
        self._named = event_id_of(header.event_id)
        trace = fields(header.trace)
        self._environment = text(trace.get("environment")) or _ENVIRONMENT
        self._release = text(trace.get("release"))
        self._service = ""
        """That of its events, for the spans and logs beside them: Python's SDK sends calls to models apart."""
        self._header = header
        self._events: list[Found] = []
        self._bad = {ERRORS: _Records([], []), TRANSACTIONS: _Records([], [])}
        self._spans = _Records([], [])
        self._logs = _Records([], [])
        self._dropped: list[tuple[str, str]] = []
        self._reports: Counter[str] = Counter()
        self._left = MOST
        self._sentence = ""
        """What is wrong with an event that is not stored."""

    def take(self, place: str, item: Item) -> None:
        match item.type:
            case "event":
                self._take_event(place, cleaned(item.payload))
            case "transaction":
                self._take_transaction(place, cleaned(item.payload))
            case "span":
                self._take_records(self._spans, place, item.payload, span_rows.judge)
            case "log":
                self._take_records(self._logs, place, item.payload, logs.judge)
            case "client_report":
                self._reports.update(discarded(item.payload))
            case other:
                self._dropped.append((place, f"item_{other if other in _NOT_STORED else 'unknown'}"))

    def all(self) -> list[Found]:
        found = [*self._events]
        for name, records in (*self._bad.items(), (SPANS, self._spans), (LOGS, self._logs)):
            if any(records):
                picking = self._picking(records, self._environment, self._release, self._service)
                picking.named = self._named if self._events else ""  # it is theirs only beside an event
                found.append((name, picking))
        if self._sentence and not any(picking.n for _, picking in found):
            raise BadRecord(self._sentence)
        beside = Picking(b"[]", 0, self._dropped, named=self._named, reasons=self._reports)
        return [*found, (ITEMS, beside)]

    def _take_event(self, place: str, event: msgspec.Raw) -> None:
        sent_bytes = len(bytes(event))
        if sent_bytes > MAX_RECORD_BYTES:
            event = shortened(event)
        sent = fields(event)
        if text(sent.get("type")) == "transaction":  # SDKs of before envelopes
            self._take_transaction(place, event)
        elif fault := _fault(event, errors.judge):
            self._drop(place, ERRORS, fault)
        else:
            self._count(1)
            picking = self._of_event(_Records([bytes(event)], []), sent)
            picking.event_ids = (picking.named,)
            picking.extra = said_beside(self._header, sent, sent_bytes if sent_bytes > MAX_RECORD_BYTES else 0)
            self._events.append((ERRORS, picking))

    def _take_transaction(self, place: str, event: msgspec.Raw) -> None:
        sent = fields(event)
        spans = array(sent.pop("spans", None)) or []
        self._count(len(spans) + 1)
        records = _judged(place, spans, span_rows.judge)
        transaction = _encode(sent)
        if fault := _fault(msgspec.Raw(transaction), span_rows.judge):
            self._drop(place, TRANSACTIONS, fault)
        else:
            records.good.insert(0, transaction)
        if any(records):
            self._events.append((TRANSACTIONS, self._of_event(records, sent)))

    def _of_event(self, records: _Records, sent: Fields) -> Picking:
        """The first event of an envelope has the id in its header, else its own one. Raises `TooMany`."""
        if len(self._events) == MOST_EVENTS:
            raise TooMany(f"more than {MOST_EVENTS} events")
        data = fields(fields(fields(sent.get("contexts")).get("trace")).get("data"))
        environment, release = text(sent.get("environment")) or _ENVIRONMENT, text(sent.get("release"))
        service = service_of(sent, data)
        picking = self._picking(records, environment, release, service)
        self._service = self._service or service
        own = event_id_of(sent.get("event_id"))
        picking.named = own if self._events else self._named or own
        self._named = self._named or own
        return picking

    def _take_records(self, into: _Records, place: str, payload: bytes, judge: Judge) -> None:
        """The records of a container, or the one that is the payload."""
        sent = cleaned(payload)
        items = array(fields(sent).get("items"))
        self._count(1 if items is None else len(items))
        found = _judged(place, [sent] if items is None else items, judge)
        into.good.extend(found.good)
        into.bad.extend(found.bad)

    def _picking(self, records: _Records, environment: str, release: str, service: str = "") -> Picking:
        return Picking(
            b"[%b]" % b",".join(records.good),
            len(records.good),
            records.bad,
            environment=environment,
            release=release,
            service=service,
        )

    def _drop(self, place: str, name: str, fault: str) -> None:
        what = "event" if name == ERRORS else "transaction"
        if fault == "too_large":
            raise TooMany(f"the {what} is over the limit")
        self._bad[name].bad.append((place, fault))
        self._sentence = self._sentence or f"Invalid {what}: {_SENTENCES[fault]}"

    def _count(self, n: int) -> None:
        self._left -= n
        if self._left < 0:
            raise TooMany(f"more than {MOST} records")


def _judged(place: str, records: Sequence[msgspec.Raw], judge: Judge) -> _Records:
    found = _Records([], [])
    for index, record in enumerate(records):
        if fault := _fault(record, judge):
            found.bad.append((f"{place}.{index}", fault))
        else:
            found.good.append(bytes(record))
    return found


def _fault(record: msgspec.Raw, judge: Judge) -> str:
    sent = bytes(record)
    if len(sent) > MAX_RECORD_BYTES:
        return "too_large"
    return judge(record) if sent.startswith(b"{") else "not_an_object"
