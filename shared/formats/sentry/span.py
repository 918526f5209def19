"""A span in each of the three shapes that SDKs send: a transaction, one of its spans, a span of version 2
(sentry-rows.md, "Spans")."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec

from shared.formats.otlp.ids import SPAN_BYTES, TRACE_BYTES
from shared.formats.sentry.attributes import Attributes, attributes_in
from shared.formats.sentry.reading import Fields, array, fields, hex_id, sent_time, taken, text, value, with_values
from shared.formats.sentry.source import service_of
from shared.formats.users import text_of

UNNAMED: Final = "<unlabeled transaction>"

_KINDS = {
    "http.server": "server",
    "websocket.server": "server",
    "http.client": "client",
    "queue.publish": "producer",
    "queue.process": "consumer",
}
_CLIENTS = ("db", "cache", "rpc", "gen_ai")
"""How operations begin that are calls to others."""

_UNSET = ("unknown", "cancelled")

_encode = msgspec.json.Encoder().encode


class Ids(NamedTuple):
    """'' for one that is none."""

    trace_id: str
    span_id: str
    parent_span_id: str


class Times(NamedTuple):
    """As they were sent; None for what is no time."""

    start: msgspec.Raw | None
    end: msgspec.Raw | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Texts are '' and JSON is b'' where nothing was sent."""

    ids: Ids
    times: Times
    operation: str
    op: str
    status: str
    attributes: Attributes
    text: bytes
    """The attributes as JSON."""
    links: bytes
    extra: dict[str, Any]
    """What no other field holds."""
    description: str = ""
    status_message: str = ""
    user_id: str = ""
    environment: str = ""
    release: str = ""
    service: str = ""
    scope_name: str = ""

    @property
    def kind(self) -> str:
        return _KINDS.get(self.op) or ("client" if self.op.startswith(_CLIENTS) else "internal")


def span_of(sent: msgspec.Raw) -> Span:
    """The span of a record, whatever its shape."""
    every = fields(sent)
    if is_transaction(every):
        return _transaction(every)
    return _version_2(every) if is_version_2(every) else _child(every)


def is_transaction(every: Fields) -> bool:
    return text(every.get("type")) == "transaction" or ("span_id" not in every and "contexts" in every)


def is_version_2(every: Fields) -> bool:
    """Whether a span that is no transaction has the fields of version 2."""
    return not every.keys().isdisjoint(("name", "end_timestamp", "attributes"))


def status_in(rest: Fields) -> str:
    """ok, error or unset; a word that says more stays in the rest."""
    word = text(rest.get("status"))
    if word in ("", "ok", "error"):
        if word:
            del rest["status"]
        return word or "unset"
    return "unset" if word in _UNSET else "error"


def _transaction(every: Fields) -> Span:
    rest = dict(every)
    rest.pop("type", None)
    contexts = fields(rest.pop("contexts", None))
    trace = fields(contexts.pop("trace", None))
    if contexts:
        rest["contexts"] = msgspec.Raw(_encode(contexts))
    attributes, data = _data(trace)
    return Span(
        ids=_ids(trace),
        times=_times(rest, "timestamp"),
        operation=taken(rest, "transaction", text) or UNNAMED,
        op=text(trace.get("op")),
        status=status_in(trace),
        attributes=attributes,
        text=data,
        links=taken(trace, "links", _array) or b"",
        user_id=text_of(value(fields(every.get("user")).get("id"))),
        environment=taken(rest, "environment", text) or "",
        release=taken(rest, "release", text) or "",
        service=service_of(every, attributes.values),
        scope_name=text(fields(every.get("sdk")).get("name")),
        extra=with_values(trace) | ({"event": event} if (event := with_values(rest)) else {}),
    )


def _child(every: Fields) -> Span:
    rest = dict(every)
    attributes, data = _data(rest)
    op = text(rest.get("op"))
    return Span(
        ids=_ids(rest),
        times=_times(rest, "timestamp"),
        operation=op or "default",
        op=op,
        description=taken(rest, "description", text) or "",
        status=status_in(rest),
        attributes=attributes,
        text=data,
        links=taken(rest, "links", _array) or b"",
        service=attributes.said("service.name"),
        extra=with_values(rest),
    )


def _version_2(every: Fields) -> Span:
    rest = dict(every)
    attributes = attributes_in(rest.get("attributes"))
    if attributes.values:
        del rest["attributes"]
    return Span(
        ids=_ids(rest),
        times=_times(rest, "end_timestamp"),
        operation=taken(rest, "name", text) or "default",
        op=attributes.said("sentry.op"),
        status=status_in(rest),
        status_message=attributes.said("sentry.status.message"),
        attributes=attributes,
        text=attributes.text,
        links=taken(rest, "links", _array) or b"",
        user_id=attributes.said("user.id"),
        environment=attributes.said("sentry.environment"),
        release=attributes.said("sentry.release"),
        service=attributes.said("service.name"),
        scope_name=attributes.said("sentry.sdk.name"),
        extra=with_values(rest) | attributes.notes,
    )


def _ids(rest: Fields) -> Ids:
    """Taken out, if they are ids."""
    return Ids(
        taken(rest, "trace_id", lambda raw: hex_id(raw, TRACE_BYTES)) or "",
        taken(rest, "span_id", lambda raw: hex_id(raw, SPAN_BYTES)) or "",
        taken(rest, "parent_span_id", lambda raw: hex_id(raw, SPAN_BYTES)) or "",
    )


def _times(rest: Fields, end: str) -> Times:
    """Taken out, if they are times."""
    return Times(taken(rest, "start_timestamp", sent_time), taken(rest, end, sent_time))


def _data(rest: Fields) -> tuple[Attributes, bytes]:
    """The attributes of an old span, taken out, and their JSON as it was sent."""
    values = fields(rest.get("data"))
    return Attributes(values, {}), bytes(rest.pop("data")) if values else b""


def _array(raw: msgspec.Raw) -> bytes:
    return bytes(raw) if array(raw) else b""
