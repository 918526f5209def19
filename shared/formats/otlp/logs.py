"""`POST /v1/logs`: LogRecords (contracts.md, "OTLP")."""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

from shared.formats.base import Columns, Format, Rows
from shared.formats.intake import Encoded, Intake
from shared.formats.levels import SEVERITY_NUMBERS
from shared.formats.otlp import errors, severity
from shared.formats.otlp.attributes import AttributesColumn
from shared.formats.otlp.columns import Promoted, common_columns, moments, promoted
from shared.formats.otlp.encoding import by_encoding, is_heavy
from shared.formats.otlp.ids import SPAN_BYTES, TRACE_BYTES, ids
from shared.formats.otlp.json_text import OtlpJson
from shared.formats.otlp.limits import MOST, PUBLISH_WITHIN_S
from shared.formats.otlp.protobuf import Protobuf
from shared.formats.otlp.records import iso
from shared.formats.otlp.replies import LOGS, reply
from shared.formats.otlp.severity import is_severity
from shared.formats.values import clamped, sent

LINE_MAX = 2**32 - 1

_BRIDGES = ("@opentelemetry/", "go.opentelemetry.io/contrib/bridges/", "opentelemetry.", "io.opentelemetry.")
"""Scopes whose name begins like this are the SDK's own, and name no logger."""
_LONGEST = max(map(len, _BRIDGES))

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
    log = sent(rows)
    attributes, numbers = AttributesColumn(log["attributes"]), log["severity_number"]
    levels = severity.levels(numbers, log["severity_text"])
    _note_severities(rows, numbers, log["severity_text"], levels)
    named = _event_names(log["event_name"], attributes)
    scopes = [source.scope_name for source in log["source"]]
    made: Columns = {
        **common_columns(rows, log, attributes),
        **promoted(attributes, _PROMOTED),
        "timestamp": _times(rows, log["time_ns"], log["observed_ns"]),
        "level": levels,
        "severity_number": [
            number if is_severity(number) else SEVERITY_NUMBERS[level]
            for number, level in zip(numbers, levels, strict=True)
        ],
        "message": [name if body is None else body for body, name in zip(log["body"], named, strict=True)],
        "event_name": named,
        "logger_name": ["" if _is_bridge(name[:_LONGEST]) else name for name in scopes],
        "trace_id": ids(rows, log["trace_id"], TRACE_BYTES, "trace_id"),
        "span_id": ids(rows, log["span_id"], SPAN_BYTES, "span_id"),
    }
    if lines := made.get("line_number"):
        made["line_number"] = clamped(rows, list(map(_whole, lines)), "line_number", LINE_MAX)
    return made


def _note_severities(rows: Rows, numbers: Sequence[int], texts: Sequence[str], levels: Sequence[str]) -> None:
    """Keep what number and text say beyond the level."""
    odd = {each for each in set(zip(numbers, texts, levels, strict=True)) if _notes(*each)}
    if odd:
        for row, each in enumerate(zip(numbers, texts, levels, strict=True)):
            for name, value in _notes(*each).items() if each in odd else ():
                rows.note(row, name, value)


def _notes(number: int, text: str, level: str) -> dict[str, Any]:
    notes: dict[str, Any] = {}
    if number and not is_severity(number):
        notes["severity_number"] = number
    if text and text.lower() != level:
        notes["severity_text"] = text
    return notes


def _times(rows: Rows, times: Sequence[int], observed: Sequence[int]) -> list[int]:
    if times != observed:
        for row, (ns, observed_ns) in enumerate(zip(times, observed, strict=True)):
            if observed_ns and ns and abs(observed_ns - ns) > _LATE_NS:
                rows.note(row, "observed_time", iso(observed_ns))
    if not all(times):
        times = [ns or observed_ns for ns, observed_ns in zip(times, observed, strict=True)]
    return moments(rows, times)


def _event_names(sent: Sequence[str], attributes: AttributesColumn) -> Sequence[str]:
    """The field, else the attribute, if that is a text."""
    found = attributes.first(["event.name"], lambda value: value if isinstance(value, str) else "")
    return sent if found is None else [own or told for own, told in zip(sent, found, strict=True)]


@lru_cache(1024)
def _is_bridge(begin: str) -> bool:
    """By the beginning of a scope's name alone: a whole one may be half a megabyte, and would be remembered."""
    return begin.startswith(_BRIDGES)


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
