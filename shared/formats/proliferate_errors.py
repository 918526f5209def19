"""`POST /api/v1/errors` (contracts.md, "`POST /api/v1/errors`"): one error, or up to 100, in either shape of the PyPI
clients `proliferate-ai`.

0.1.0 sends `exception`, `user`, `account` and `extra`; 0.2.2 sends `exception` and `context`, no `type` and no `level`.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from shared.fingerprint import Fingerprint, fingerprint
from shared.fingerprint.rules import Rules
from shared.formats.base import ABSENT, Columns, Format, Rows, checked_as
from shared.formats.codec import JsonArray
from shared.formats.digests import digests
from shared.formats.exceptions import SentException, Thrown, thrown
from shared.formats.intake import Intake, OneOrMany, Remarks
from shared.formats.levels import level_of
from shared.formats.proliferate import PHP, OptionalObject, OptionalPerson, OptionalTime, Text, reply
from shared.formats.users import People, flattened
from shared.formats.values import not_null, objects, sent, times
from shared.formats.vercel_ids import vercel_ids

PING = "proliferate-sdk-init"
"""The message with which an SDK announces itself."""

_SEVERITY = {"fatal": "critical", "error": "high", "warn": "medium"}


NO_CONTROL = r"^(?![\s\S]*[\x00-\x1f\x7f-\x9f])"
"""A text without control characters."""


class User(msgspec.Struct, gc=False):
    """A user. `set_user({...})` of 0.2.2 makes the whole object its `id`."""

    id: Annotated[str | int | float | dict[str, msgspec.Raw] | None, PHP] = None
    email: Text = None
    name: Text = None


class Context(msgspec.Struct, gc=False):
    """The context that 0.2.2 sends with an error; its further keys (`tags`) are not checked, only stored."""

    user: Annotated[User | None, PHP] = None


class Error(msgspec.Struct, gc=False, kw_only=True):
    """One error or message."""

    event_id: Annotated[str, Meta(max_length=128, pattern=NO_CONTROL)] | None = None
    timestamp: OptionalTime = None
    platform: Text = None
    environment: Text = None
    release: Text = None
    type: Literal["exception", "message"] | None = None
    level: Text = None
    exception: Annotated[msgspec.Raw, checked_as(Annotated[SentException | None, PHP])] = ABSENT
    message: Text = None
    user: Annotated[msgspec.Raw, checked_as(Annotated[User | None, PHP])] = ABSENT
    account: OptionalPerson = ABSENT
    context: Annotated[msgspec.Raw, checked_as(Annotated[Context | None, PHP])] = ABSENT
    extra: OptionalObject = ABSENT
    url: Text = None
    user_agent: Text = None
    session_id: Text = None
    window_id: Text = None
    trace_id: Text = None
    breadcrumbs: msgspec.Raw = ABSENT


class _Head(msgspec.Struct, gc=False):
    """What `look` needs of a valid record."""

    event_id: Text = None
    type: Text = None
    message: Text = None
    exception: msgspec.Raw = ABSENT


class _ContextUser(msgspec.Struct, gc=False):
    user: msgspec.Raw = ABSENT


_decode_head = msgspec.json.Decoder(_Head).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_context = msgspec.json.Decoder(_ContextUser).decode


def look(record: bytes) -> Remarks:
    """The id of a record, what it lacks, and whether it is the SDK's ping."""
    head = _decode_head(record)
    if _is_message(head):
        lacks = "" if head.message is not None else head.type or "exception"
        return Remarks(head.event_id or "", lacks, head.message == PING)
    return Remarks(head.event_id or "", "exception" if _is_null(head.exception) else "")


def _is_message(record: "_Head | Error") -> bool:
    return record.type == "message" or (record.type is None and _is_null(record.exception))


def _is_null(raw: msgspec.Raw) -> bool:
    return bytes(raw) in (b"", b"null")


_TEXTS = ("release", "trace_id", "level", "url", "user_agent", "session_id", "window_id", "platform")
"""Fields that may be null."""

_users, _accounts = People("user", ("id", "email")), People("account", ("id", "name"))


def columns(rows: Rows) -> Columns:
    records = rows.records
    thrown_ones = [Thrown() if _is_message(record) else thrown(record.exception) for record in records]
    prints = [
        _print(version, record, what, rules)
        for version, record, what, rules in zip(rows.fingerprint_version, records, thrown_ones, rows.rules, strict=True)
    ]
    for row, what in enumerate(thrown_ones):
        if what.mechanism is not None:  # its column tells only whether the error was handled
            rows.note(row, "mechanism", what.mechanism)
    error = sent(rows)
    messages = [_message(record, what) for record, what in zip(records, thrown_ones, strict=True)]
    stacks = [what.stack for what in thrown_ones]
    attributes = _attributes(rows, thrown_ones)
    return {
        "timestamp": times(rows, error["timestamp"]),
        "environment": [environment or "production" for environment in error["environment"]],
        **{name: not_null(error[name]) for name in _TEXTS},
        "event_id": rows.event_id,
        "fingerprint": [made.hash for made in prints],
        "fingerprint_version": rows.fingerprint_version,
        "fingerprint_parts": [made.parts for made in prints],
        "type": [
            "message" if _is_message(record) else what.type or made.type
            for record, what, made in zip(records, thrown_ones, prints, strict=True)
        ],
        "error_message": messages,
        "stack_trace": stacks,
        "severity": [_severity(record) for record in records],
        "digest": digests(messages, stacks, attributes),
        "vercel_id": vercel_ids(messages, attributes),
        "attributes": attributes,
        **_users.columns([_user(record) for record in records]),
        **_accounts.columns(error["account"]),
        "breadcrumbs": objects(error["breadcrumbs"]),
        "handled": [int(what.handled) for what in thrown_ones],
    }


def _message(record: Error, what: Thrown) -> str:
    return what.message or record.message or ""


def _print(version: int, record: Error, what: Thrown, rules: Rules) -> Fingerprint:
    """The fingerprint. A message never shares it with an exception of the same words."""
    kind = "message" if _is_message(record) else what.type
    message = said(kind, _message(record, what))
    return fingerprint(version, message, what.stack, rules, record.release or "")


def said(kind: str, message: str) -> str:
    """The message as it is grouped."""
    return f"{kind}: {message}" if kind else message


def _severity(record: Error) -> str:
    """From the level as the client names it. An exception without one (0.2.2 sends none) is an error."""
    level = record.level or ("" if _is_message(record) else "error")
    return _SEVERITY.get(level_of(level) or "", "low")


def _user(record: Error) -> msgspec.Raw:
    """The user of either shape."""
    if not _is_null(record.user):
        return flattened(record.user)
    return ABSENT if _is_null(record.context) else flattened(_decode_context(record.context).user)


def _attributes(rows: Rows, thrown_ones: list[Thrown]) -> list[bytes]:
    """`extra`, else 0.2.2's `context`, byte for byte. The context of an error with both goes to the row's `extra`.

    An exception that says more than its columns hold is one attribute more.
    """
    made = []
    for row, (record, what) in enumerate(zip(rows.records, thrown_ones, strict=True)):
        sent = [raw for raw in (record.extra, record.context) if not _is_null(raw)]
        text = bytes(sent[0]) if sent else b""
        if len(sent) > 1:
            rows.note(row, "context", sent[1])
        if what.whole is not None:
            fields = _decode_fields(text or b"{}")
            if "exception" in fields:
                rows.note(row, "exception", what.whole)
            else:
                text = b'%b"exception":%b}' % (text[:-1] + b"," if fields else b"{", bytes(what.whole))
        made.append(text)
    return made


FORMAT = Format("proliferate.errors", signal="errors", columns=columns, codec=JsonArray(Error))

INTAKE = Intake(
    routes=("/api/v1/errors",),
    api="proliferate",
    bodies={FORMAT.name: OneOrMany(most=100, look=look)},
    reply=reply,
    examples={
        "client_0.1.0": {
            "event_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
            "timestamp": "2025-01-15T10:30:00Z",
            "environment": "production",
            "release": "v1.2.3",
            "type": "exception",
            "level": "error",
            "exception": {"type": "ValueError", "message": "bad order", "stack": "ValueError: bad order"},
            "user": {"id": "user_123", "email": "user@example.com"},
            "extra": {"tags": {"region": "eu"}},
        },
        "client_0.2.2": {
            "event_id": "9c858901b8af4a9c9a4e4a5f3c2f1d0e",
            "timestamp": "2025-01-15T10:30:00Z",
            "platform": "python",
            "environment": "production",
            "exception": {
                "type": "ValueError",
                "value": "bad order",
                "stacktrace": [{"filename": "shop/orders.py", "function": "place", "lineno": 42}],
                "mechanism": {"handled": False},
            },
            "context": {"user": {"id": "user_123"}, "tags": {"region": "eu"}},
        },
    },
)
