"""One event as its columns need it (sentry-rows.md, "Errors")."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from shared.event_ids import same_id
from shared.formats.otlp.ids import SPAN_BYTES, TRACE_BYTES
from shared.formats.sentry.exceptions import Frame, Thrown, current_stack, frames_in, is_message, thrown_in
from shared.formats.sentry.reading import NOTHING, Fields, array, fields, hex_id, sent_time, taken, text, value
from shared.formats.sentry.source import service_of
from shared.formats.sentry.stacks import stack_text
from shared.formats.users import text_of

_encode = msgspec.json.Encoder().encode

LARGER: Final = 4
"""How many times as long as the JSON of a stack its text may be: usual ones are shorter, but not one of a thousand
empty lines."""

MOST_PARTS: Final = 100
"""Of a client's own fingerprint."""

USER_IDS = ("id", "email")
"""Those of a user that have columns of their own."""

NEEDED = ("exception", "message", "logentry", "stacktrace")
"""An event without any of them says nothing."""


@dataclass(frozen=True, slots=True)
class Event:
    """Texts are '' and JSON is b'' where nothing was sent."""

    level: str
    platform: str
    environment: str
    release: str
    service: str
    user: msgspec.Raw
    breadcrumbs: bytes
    timestamp: msgspec.Raw | None
    type: str
    """`message` for one that is no exception."""
    message: str
    stack: str
    handled: bool
    trace_id: str
    span_id: str
    request: Fields
    said: tuple[str, ...]
    """The client's own fingerprint."""
    attributes: bytes
    """All that no field above holds, byte for byte."""

    @property
    def printed(self) -> tuple[str, str]:
        """(message, stack) as they are grouped."""
        return grouped_as(self.type, self.message, self.stack)


def grouped_as(kind: str, message: str, stack: str) -> tuple[str, str]:
    """(message, stack) of which the fingerprint is made. Where a message was captured says little: its words count. The
    type of an error without words stands in its stack."""
    if not message:
        return "" if stack else kind, stack
    return f"{kind}: {message}", "" if kind == "message" else stack


def event_of(sent: msgspec.Raw, event_id: str) -> Event:
    """`event_id`: the one that the row has."""
    every = fields(sent)
    rest = dict(every)
    if event_id and same_id(text(rest.get("event_id"))) == same_id(event_id):
        del rest["event_id"]
    stacktrace = value(every.get("stacktrace"))
    main = thrown_in(value(every.get("exception")), stacktrace)
    platform = taken(rest, "platform", text) or ""
    trace = fields(fields(every.get("contexts")).get("trace"))
    kind, message = _said(every, main)
    return Event(
        level=taken(rest, "level", text) or "error",
        platform=platform,
        environment=taken(rest, "environment", text) or "",
        release=taken(rest, "release", text) or "",
        service=service_of(every, {}),
        user=_user(rest),
        breadcrumbs=taken(rest, "breadcrumbs", _breadcrumbs) or b"",
        timestamp=taken(rest, "timestamp", sent_time),
        type=kind,
        message=message,
        stack=stack_text(platform, main or _nobody(every, stacktrace, message), LARGER * _size(every)),
        handled=main is not None and main.handled,
        trace_id=hex_id(trace.get("trace_id"), TRACE_BYTES),
        span_id=hex_id(trace.get("span_id"), SPAN_BYTES),
        request=fields(every.get("request")),
        said=client_list_in(every.get("fingerprint")),
        attributes=_encode(rest) if rest else b"",
    )


def _size(sent: Fields) -> int:
    """Bytes of what the stack is made of."""
    return sum(len(bytes(sent[name])) for name in ("exception", "stacktrace", "threads") if name in sent)


def _said(sent: Fields, main: Thrown | None) -> tuple[str, str]:
    """(type, message)."""
    if main is not None and not is_message(main):
        return main.type or "Error", main.message
    entry, message = fields(sent.get("logentry")), sent.get("message")
    texts = (entry.get("formatted"), message, fields(message).get("formatted"), entry.get("message"))
    found = next(filter(None, map(text, texts)), "")
    return "message", found or (main.message if main is not None else "")


def _nobody(sent: Fields, stacktrace: Any, message: str) -> Thrown:
    """The stack of an event without an exception; Python's SDK sends that of a message as its current thread's."""
    frames: list[Frame] = frames_in(stacktrace) or frames_in(current_stack(value(sent.get("threads"))))
    return Thrown("", message, frames, {})


def client_list_in(raw: msgspec.Raw | None) -> tuple[str, ...]:
    """The first texts of a list; numbers and truth values are texts to Sentry, too."""
    sent = value(raw)
    if not isinstance(sent, list):
        return ()
    scalars = [each for each in sent[:MOST_PARTS] if isinstance(each, str | int | float)]
    return tuple(each if isinstance(each, str) else _encode(each).decode() for each in scalars)


def _user(rest: Fields) -> msgspec.Raw:
    """Taken out, unless its id or address is no text: the attributes then have it, too."""
    sent = rest.get("user", NOTHING)
    person = fields(sent)
    if person and all(_is_text(person.get(name)) for name in USER_IDS):
        del rest["user"]
    return sent if person else NOTHING


def _is_text(raw: msgspec.Raw | None) -> bool:
    sent = value(raw)
    return sent in (None, "") or bool(text_of(sent))


def _breadcrumbs(raw: msgspec.Raw) -> bytes:
    """The array, which may stand in `values`."""
    listed = fields(raw).get("values", raw)
    return b"" if array(listed) is None else bytes(listed)
