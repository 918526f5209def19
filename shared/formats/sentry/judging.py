"""Whether a record can be stored: only what every row needs is looked at (sentry.md, "Items")."""

import re
from collections.abc import Callable

import msgspec

from shared.formats.sentry.lenient import Fields, array, fields, text

MAX_RECORD_BYTES = 512_000

Judge = Callable[[bytes], str]
"""The fault of a record's JSON, in one word; '' for a good one."""

_TRACE_ID = re.compile(r"[0-9A-Fa-f]{32}")
_SPAN_ID = re.compile(r"[0-9A-Fa-f]{16}")
_NOTHING = frozenset((b"", b"null", b'""', b"{}", b"[]"))

_STORABLE = ("exception", "message", "logentry", "stacktrace")


def event(record: bytes) -> str:
    sent = fields(record)
    if not sent:
        return "invalid_type"
    if not any(bytes(sent.get(name, b"")) not in _NOTHING for name in _STORABLE):
        return "missing_message"
    return _size(record)


def transaction(record: bytes) -> str:
    sent = fields(record)
    trace = fields(fields(sent.get("contexts")).get("trace"))
    return _size(record) or _ids(trace) or _start(sent)


def span_of_transaction(record: bytes) -> str:
    sent = fields(record)
    return _size(record) or _ids(sent) or _start(sent)


def span(record: bytes) -> str:
    """A span of its own: one of the second version has a name; an older one is as in a transaction."""
    sent = fields(record)
    if "timestamp" not in sent and not text(sent.get("name")):
        return _size(record) or "missing_name"
    return _size(record) or _ids(sent) or _start(sent)


def log(record: bytes) -> str:
    sent = fields(record)
    for name in ("timestamp", "body"):
        if bytes(sent.get(name, b"null")) == b"null":
            return f"missing_{name}"
    return _size(record)


def service(sent: Fields) -> str:
    """The service that an event names: of OpenTelemetry's resource, its tag, or its trace's attribute."""
    contexts = fields(sent.get("contexts"))
    resource = fields(fields(contexts.get("otel")).get("resource"))
    data = fields(fields(contexts.get("trace")).get("data"))
    return text(resource.get("service.name")) or _tag(sent, "service") or text(data.get("service.name"))


def _tag(sent: Fields, name: str) -> str:
    """A tag; they are an object, or a list of pairs."""
    tags = sent.get("tags")
    if found := text(fields(tags).get(name)):
        return found
    for each in array(tags) or ():
        pair = array(msgspec.Raw(each)) or []
        if len(pair) == 2 and text(msgspec.Raw(pair[0])) == name:
            return text(msgspec.Raw(pair[1]))
    return ""


def _ids(sent: Fields) -> str:
    good = _TRACE_ID.fullmatch(text(sent.get("trace_id"))) and _SPAN_ID.fullmatch(text(sent.get("span_id")))
    return "" if good else "invalid_ids"


def _start(sent: Fields) -> str:
    return "missing_start_timestamp" if bytes(sent.get("start_timestamp", b"null")) == b"null" else ""


def _size(record: bytes) -> str:
    return "too_large" if len(record) > MAX_RECORD_BYTES else ""
