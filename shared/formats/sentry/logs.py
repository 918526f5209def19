"""The item `log`: a container of log entries (sentry-rows.md, "Logs")."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from shared.formats.base import Columns, Format, Rows
from shared.formats.codec import JsonArray
from shared.formats.levels import SEVERITY_NUMBERS, level_of
from shared.formats.otlp.ids import SPAN_BYTES, TRACE_BYTES
from shared.formats.otlp.severity import is_severity
from shared.formats.sentry.attributes import Attributes, attributes_in
from shared.formats.sentry.reading import (
    Fields,
    fields,
    hex_id,
    moment,
    moments,
    sent_time,
    taken,
    text,
    value,
    with_values,
)

LINE_MAX: Final = 2**32 - 1

_SEVERITY: Final = "sentry.severity_number"
_SPAN: Final = "sentry.trace.parent_span_id"
"""Where the SDKs of JavaScript, PHP, .NET and Apple's systems name the span, instead of `span_id`."""

_PROMOTED = {
    "template": "sentry.message.template",
    "logger_name": "logger.name",
    "file_path": "code.file.path",
    "function_name": "code.function.name",
    "user_id": "user.id",
    "user_email": "user.email",
    "release": "sentry.release",
}
"""Column -> attribute."""

_encode = msgspec.json.Encoder().encode


class Log(NamedTuple):
    """Texts are '' where nothing was sent."""

    timestamp: msgspec.Raw | None
    message: str
    level: str
    severity_number: int
    trace_id: str
    span_id: str
    attributes: Attributes
    extra: dict[str, Any]
    """What no other field holds."""


def judge(sent: msgspec.Raw) -> str:
    """Why an entry can't be stored, in one word; '' for a good one."""
    log = fields(sent)
    if not log:
        return "not_an_object"
    if moment(log.get("timestamp")) is None:
        return "missing_timestamp"
    return "" if bytes(log.get("body", b"null")) != b"null" else "missing_body"


def log_of(sent: msgspec.Raw) -> Log:
    rest = fields(sent)
    attributes = attributes_in(rest.get("attributes"))
    if attributes.values:
        del rest["attributes"]
    level = level_of(text(rest.get("level")))
    if level:
        del rest["level"]
    return Log(
        timestamp=taken(rest, "timestamp", sent_time),
        message=_message(rest.pop("body", None)),
        level=level or "info",
        severity_number=_severity_in(rest, attributes) or SEVERITY_NUMBERS[level or "info"],
        trace_id=taken(rest, "trace_id", lambda raw: hex_id(raw, TRACE_BYTES)) or "",
        span_id=taken(rest, "span_id", _span_id) or _span_id(attributes.values.get(_SPAN)),
        attributes=attributes,
        extra=with_values(rest) | attributes.notes,
    )


def _span_id(raw: msgspec.Raw | None) -> str:
    return hex_id(raw, SPAN_BYTES)


def _message(body: msgspec.Raw | None) -> str:
    """A text as it is, any other value as JSON."""
    found = value(body)
    if isinstance(found, str) or body is None:
        return found or ""
    return bytes(body).decode(errors="replace")


def _severity_in(rest: Fields, attributes: Attributes) -> int:
    """The field, else the attribute; 0 for none that OpenTelemetry knows."""
    number = taken(rest, "severity_number", _severity) or _severity(attributes.values.get(_SEVERITY))
    return number or 0


def _severity(raw: msgspec.Raw | None) -> int:
    number = value(raw)
    return number if isinstance(number, int) and not isinstance(number, bool) and is_severity(number) else 0


def columns(rows: Rows) -> Columns:
    logs = list(map(log_of, rows.records))
    for row, log in enumerate(logs):
        if log.extra:
            rows.notes.setdefault(row, {}).update(log.extra)
    attributes = [log.attributes for log in logs]
    return {
        **{column: [each.said(name) for each in attributes] for column, name in _PROMOTED.items()},
        "environment": _first(attributes, "sentry.environment", rows.environment, "production"),
        "service": _first(attributes, "service.name", rows.service, ""),
        "timestamp": moments(rows, [log.timestamp for log in logs]),
        **{
            name: [getattr(log, name) for log in logs]
            for name in ("message", "level", "severity_number", "trace_id", "span_id")
        },
        "line_number": [_line(each) for each in attributes],
        "user": [_user(each) for each in attributes],
        "attributes": [each.text for each in attributes],
    }


def _first(attributes: Sequence[Attributes], name: str, stamped: Sequence[str], other: str) -> list[str]:
    return [each.said(name) or of_stamp or other for each, of_stamp in zip(attributes, stamped, strict=True)]


def _line(attributes: Attributes) -> int:
    number = value(attributes.values.get("code.line.number"))
    is_line = isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= LINE_MAX
    return number if is_line else 0


def _user(attributes: Attributes) -> bytes:
    name = attributes.said("user.name")
    return _encode({"username": name}) if name else b""


FORMAT = Format("sentry.logs", signal="logs", columns=columns, codec=JsonArray(msgspec.Raw))
