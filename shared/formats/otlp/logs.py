"""`POST /v1/logs`: LogRecords (contracts.md, "OTLP")."""

from functools import partial

from shared.formats.base import Columns, Format, Rows
from shared.formats.intake import Encoded, Intake
from shared.formats.levels import SEVERITY_NUMBERS
from shared.formats.otlp import errors
from shared.formats.otlp.columns import Promoted, common_columns, moments, promoted
from shared.formats.otlp.encoding import by_encoding, is_heavy
from shared.formats.otlp.ids import SPAN_BYTES, TRACE_BYTES, ids
from shared.formats.otlp.json_text import OtlpJson
from shared.formats.otlp.limits import MOST, PUBLISH_WITHIN_S
from shared.formats.otlp.protobuf import Protobuf
from shared.formats.otlp.records import Log, iso
from shared.formats.otlp.replies import LOGS, reply
from shared.formats.otlp.severity import is_severity, level_in
from shared.formats.values import clamped

LINE_MAX = 2**32 - 1

_BRIDGES = ("@opentelemetry/", "go.opentelemetry.io/contrib/bridges/", "opentelemetry.", "io.opentelemetry.")
"""Scopes whose name begins like this are the SDK's own, and name no logger."""

_PROMOTED: Promoted = {
    "template": ("{OriginalFormat}", "message_template.text", "log.record.template"),
    "file_path": ("code.file.path", "code.filepath"),
    "function_name": ("code.function.name", "code.function"),
    "user_id": ("user.id", "enduser.id"),
    "user_email": ("user.email",),
    "line_number": ("code.line.number", "code.lineno"),
}

_LATE_NS = 1_000_000_000
"""An observed time that differs from the time by more is noted."""


def columns(rows: Rows) -> Columns:
    logs: list[Log] = rows.records
    attributes = [log.attributes for log in logs]
    named = [log.event_name or _event_name(log) for log in logs]
    levels = list(map(level_in, logs))
    for row, log in enumerate(logs):
        _note_severity(rows, row, log, levels[row])
    made: Columns = {
        **common_columns(rows),
        **promoted(attributes, _PROMOTED),
        "timestamp": _times(rows, logs),
        "level": levels,
        "severity_number": [
            log.severity_number if is_severity(log.severity_number) else SEVERITY_NUMBERS[level]
            for log, level in zip(logs, levels, strict=True)
        ],
        "message": [name if log.body is None else log.body for log, name in zip(logs, named, strict=True)],
        "event_name": named,
        "logger_name": [_logger(log.source.scope_name) for log in logs],
        "trace_id": ids(rows, [log.trace_id for log in logs], TRACE_BYTES, "trace_id"),
        "span_id": ids(rows, [log.span_id for log in logs], SPAN_BYTES, "span_id"),
    }
    if lines := made.get("line_number"):
        made["line_number"] = clamped(rows, list(map(_whole, lines)), "line_number", LINE_MAX)
    return made


def _note_severity(rows: Rows, row: int, log: Log, level: str) -> None:
    """Keep what number and text say beyond the level."""
    if log.severity_number and not is_severity(log.severity_number):
        rows.note(row, "severity_number", log.severity_number)
    if log.severity_text and log.severity_text.lower() != level:
        rows.note(row, "severity_text", log.severity_text)


def _times(rows: Rows, logs: list[Log]) -> list[int]:
    for row, log in enumerate(logs):
        if log.observed_ns and log.time_ns and abs(log.observed_ns - log.time_ns) > _LATE_NS:
            rows.note(row, "observed_time", iso(log.observed_ns))
    return moments(rows, [log.time_ns or log.observed_ns for log in logs])


def _event_name(log: Log) -> str:
    name = log.attributes.get("event.name")
    return name if isinstance(name, str) else ""


def _logger(scope_name: str) -> str:
    return "" if scope_name.startswith(_BRIDGES) else scope_name


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 20 else 0


PROTOBUF = Format("otlp.logs", signal="logs", columns=columns, codec=Protobuf("Logs"))
JSON = Format("otlp.logs.json", signal="logs", columns=columns, codec=OtlpJson("Logs"))

INTAKE = Intake(
    routes=("/v1/logs", "/api/{sentry_project:digits}/integration/otlp/v1/logs"),
    api="otlp",
    bodies={
        PROTOBUF.name: Encoded(most=MOST, derivations=(errors.in_records(errors.LOGS),)),
        JSON.name: Encoded(most=MOST, derivations=(errors.in_records(errors.LOGS_JSON),)),
    },
    reply=partial(reply, LOGS),
    unwrap=by_encoding(PROTOBUF.name, JSON.name),
    is_heavy=is_heavy,
    publish_within_s=PUBLISH_WITHIN_S,
    examples={
        "one_log": {
            "resourceLogs": [
                {
                    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "checkout"}}]},
                    "scopeLogs": [
                        {
                            "scope": {"name": "shop.orders"},
                            "logRecords": [
                                {
                                    "timeUnixNano": "1767268800000000000",
                                    "severityNumber": 9,
                                    "body": {"stringValue": "order 42 placed"},
                                    "attributes": [{"key": "order.id", "value": {"intValue": "42"}}],
                                    "traceId": "5b8efff798038103d269b633813fc60c",
                                    "spanId": "eee19b7ec3c1b174",
                                }
                            ],
                        }
                    ],
                }
            ]
        }
    },
)
