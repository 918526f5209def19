"""`POST /ingest/drain`: Vercel's log drains, read leniently (contracts.md, "Drain"); what has no column is an
attribute."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from shared.formats.base import Columns, Format, Rows
from shared.formats.codec import JsonArray
from shared.formats.intake import Array, Intake, Malformed, Outcome, TooMany, many_lines
from shared.formats.lenient_json import repaired, valid_utf8
from shared.formats.levels import SEVERITY_NUMBERS, level_of, other_word
from shared.formats.otlp import encoding, logs, traces
from shared.formats.sent_time import any_time
from shared.formats.values import Moment, plain, times
from shared.formats.vercel_ids import vercel_id_in, without_regions

Entry = dict[str, msgspec.Raw]

_MEASURED = ("vercel.speed_insights.", "vercel.analytics.")
"""The `schema` of entries that are no log entries begins with one of these."""

MOST = 10_000
"""Most entries in one body; Vercel's have a few hundred bytes each."""

BLANK_LINES = 10_000
"""Most lines beyond that: somebody may put an empty one between."""

_OTLP = re.compile(rb'\s*\{\s*"resource(Spans|Logs)"').match
"""How OTLP in JSON begins: it has no other key."""

_SCALAR = (str, int, float)

_encode = msgspec.json.Encoder().encode
_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode
_decode_entry = msgspec.json.Decoder(Entry).decode


class _Row(NamedTuple):
    timestamp: Moment | None
    level: str
    message: str
    service: str
    environment: str
    trace_id: str
    span_id: str
    request_id: str
    vercel_id: str
    attributes: bytes
    word: str = ""
    """For its level, where that is not the level's name."""


def columns(rows: Rows) -> Columns:
    taken = [_row(dict(entry)) for entry in rows.records]
    made = dict(zip(_Row._fields, map(list, zip(*taken, strict=True)), strict=True))
    for row, word in enumerate(made.pop("word")):
        if word:
            rows.note(row, "level", word)
    return {
        **made,
        "timestamp": times(rows, made["timestamp"]),
        "severity_number": [SEVERITY_NUMBERS[level] for level in made["level"]],
    }


def _row(entry: Entry) -> _Row:
    """One entry -> its columns. Removes from `entry` what it uses; the rest becomes the attributes."""
    if (_peek(entry, "schema", str) or "").startswith(_MEASURED):
        return _measured(entry)
    moment = _moment(entry)
    level, word = _level(entry)
    message = _message(entry)
    request_id = _take(entry, "requestId", str) or ""
    return _Row(
        timestamp=moment,
        level=level,
        message=message or _request_line(entry),
        service=_take(entry, "projectName", str) or _peek(entry, "host", str) or "",
        environment=_take(entry, "environment", str) or "production",
        trace_id=_either(entry, "traceId", "trace.id"),
        span_id=_either(entry, "spanId", "span.id"),
        request_id=request_id,
        vercel_id=_vercel_id(request_id, entry),
        attributes=_encode(entry),  # last: the lines above remove keys from the entry
        word=word,
    )


def _measured(entry: Entry) -> _Row:
    """An entry of Speed Insights or Web Analytics: its fields stay attributes, the message says what it is about."""
    attributes = _encode(entry)
    parts = (_peek(entry, key, _SCALAR) for key in ("metricType", "value", "eventType", "eventName", "path"))
    return _Row(
        timestamp=_moment(entry),
        level="info",
        message=_spaced(parts),
        service=_peek(entry, "projectName", str) or _peek(entry, "host", str) or "",
        environment=_peek(entry, "vercelEnvironment", str) or "production",
        trace_id="",
        span_id="",
        request_id="",
        vercel_id="",
        attributes=attributes,
    )


def _peek(entry: Entry, key: str, kind: Any) -> Any:
    """The value of a key if it is of this kind, else None."""
    raw = entry.get(key)
    if raw is None:
        return None
    value = plain(raw)
    return value if isinstance(value, kind) and not isinstance(value, bool) else None


def _take(entry: Entry, key: str, kind: Any) -> Any:
    """As `_peek`; removes the key if it was used or null."""
    if key not in entry:
        return None
    value = _peek(entry, key, kind)
    if value is not None or bytes(entry[key]) == b"null":
        del entry[key]
    return value


def _either(entry: Entry, first: str, second: str) -> str:
    """An id under one of two names; the second one stays an attribute if it differs."""
    value = _take(entry, first, str)
    if value is None or value == _peek(entry, second, str):
        value = _take(entry, second, str) or value
    return value or ""


def _vercel_id(request_id: str, entry: Entry) -> str:
    """The id of the entry's request, or what the proxy calls it: a function's request has an id of its own."""
    if found := vercel_id_in(request_id):
        return found
    proxy = entry.get("proxy")
    if proxy is None or b'"vercelId"' not in bytes(proxy):  # quicker than to read it
        return ""
    return without_regions(_peek(_proxy(entry), "vercelId", str) or "")


def _message(entry: Entry) -> str:
    """A text, or the JSON text of what else was sent; '' for none."""
    message = _take(entry, "message", str)
    return message if message is not None else bytes(entry.pop("message", b"")).decode(errors="replace")


def _level(entry: Entry) -> tuple[str, str]:
    """The level, and the word for it where that is another one than its name."""
    named = _peek(entry, "level", str)
    if named is not None and (level := level_of(named)) is not None:
        del entry["level"]
        return level, named if other_word(named) else ""
    if bytes(entry.get("level", b"")) == b"null":
        del entry["level"]
    status = _peek(entry, "statusCode", int)
    if status is None:
        status = _peek(_proxy(entry), "statusCode", int)
    if (status is not None and status >= 500) or _peek(entry, "type", str) == "stderr":
        return "error", ""
    return "info", ""


def _request_line(entry: Entry) -> str:
    """`METHOD path status`, for entries of requests, which carry no message: of the proxy, else of the entry itself."""
    proxy = _proxy(entry)
    parts = [_peek(proxy, key, _SCALAR) or _peek(entry, key, _SCALAR) for key in ("method", "path", "statusCode")]
    return _spaced(parts) if proxy or any(parts[:2]) else ""


def _spaced(parts: Iterable[Any]) -> str:
    return " ".join(str(part) for part in parts if part not in ("", None))


def _proxy(entry: Entry) -> Entry:
    raw = entry.get("proxy")
    return _decode_entry(raw) if raw is not None and bytes(raw).startswith(b"{") else {}


def _moment(entry: Entry) -> Moment | None:
    """Vercel's milliseconds, or the ISO text of its measurements. What is neither stays an attribute."""
    sent = _peek(entry, "timestamp", _SCALAR)
    if isinstance(sent, str):
        moment: Moment | None = any_time(sent)
    else:
        moment = sent
    if moment is not None or bytes(entry.get("timestamp", b"")) == b"null":
        del entry["timestamp"]
    return moment


def unwrap(body: bytes, content_type: str) -> list[tuple[str, bytes]]:
    """The entries of a body as a JSON array: the body is an array, one object, or one object per line (NDJSON). What a
    drain of traces sends is OTLP.

    A line that is not JSON becomes `null`, which validation drops and counts. Raises `Malformed` for a body without any
    JSON in it.
    """
    if encoding.is_protobuf(content_type):
        return [(traces.PROTOBUF.name, body)]
    if found := _OTLP(body):
        fmt = traces.JSON if found[1] == b"Spans" else logs.JSON
        return [(fmt.name, valid_utf8(body))]
    return [(FORMAT.name, _entries(body))]


def is_heavy(body: bytes) -> bool:
    return many_lines(body) or encoding.is_heavy(body)


def _entries(body: bytes) -> bytes:
    text = body.strip()
    if (whole := _json(text)) is not None:
        return _array(whole)
    entries = _lines(text)
    if None in entries:
        text = repaired(text)
        if (whole := _json(text)) is not None:
            return _array(whole)
        entries = _lines(text)
    if not any(entries):
        raise Malformed("neither a JSON array, an object, nor objects one a line")
    return b"[%b]" % b",".join(entry or b"null" for entry in entries)


def _array(whole: bytes) -> bytes:
    return whole if whole.startswith(b"[") else b"[%b]" % whole


def _lines(text: bytes) -> list[bytes | None]:
    if text.count(b"\n") > MOST + BLANK_LINES:
        raise TooMany(f"more than {MOST} lines")
    lines = [line for line in text.split(b"\n") if line.strip()]
    if len(lines) > MOST:
        raise TooMany(f"more than {MOST} lines")
    return [_json(line) for line in lines]


def _json(text: bytes) -> bytes | None:
    """The text if it is JSON."""
    try:
        return bytes(_decode_raw(text))
    except (msgspec.DecodeError, RecursionError):
        return None


def reply(outcome: Outcome) -> tuple[int, bytes]:
    return 200, b'{"ok":true,"count":%d}' % outcome.accepted


FORMAT = Format("vercel.drain", signal="drain", columns=columns, codec=JsonArray(Entry))

INTAKE = Intake(
    routes=("/ingest/drain", "/ingest/drain/{project_id}"),
    api="deeptracer",
    bodies={FORMAT.name: Array(most=MOST), **traces.INTAKE.bodies, **logs.INTAKE.bodies},
    reply=reply,
    unwrap=unwrap,
    is_heavy=is_heavy,
    kind="drain",
    media_types=("application/x-ndjson",),
    examples={
        "function_and_request": [
            {
                "id": "1573817187330377061717300000",
                "message": "done",
                "timestamp": 1573817187330,
                "source": "lambda",
                "level": "info",
                "projectName": "my-app",
                "environment": "production",
                "requestId": "643af4e3-975a-4cc7-9e7a-1eda11539d90",
                "traceId": "1b02cd14bb8642fd092bc23f54c7ffcd",
            },
            {
                "id": "1573817250283254651097202070",
                "timestamp": 1573817250283,
                "source": "static",
                "host": "my-app.example.com",
                "proxy": {"method": "GET", "path": "/robots.txt", "statusCode": 200},
            },
        ]
    },
)
