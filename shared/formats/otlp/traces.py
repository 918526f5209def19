"""`POST /v1/traces`: Spans (contracts.md, "OTLP")."""

from functools import partial
from typing import Any

from shared.formats.base import Columns, Format, Rows
from shared.formats.intake import Encoded, Intake
from shared.formats.otlp import errors, llm
from shared.formats.otlp.columns import Promoted, common_columns, moments, promoted
from shared.formats.otlp.encoding import by_encoding, is_heavy
from shared.formats.otlp.ids import SPAN_BYTES, TRACE_BYTES, ids, is_id
from shared.formats.otlp.json_text import OtlpJson
from shared.formats.otlp.limits import MOST, PUBLISH_WITHIN_S
from shared.formats.otlp.protobuf import Protobuf
from shared.formats.otlp.records import KINDS, Event, Span, iso, status_of
from shared.formats.otlp.replies import SPANS, reply
from shared.formats.otlp.values import json_bytes

_PROMOTED: Promoted = {"user_id": ("user.id", "enduser.id"), "session_id": ("session.id",)}


def columns(rows: Rows) -> Columns:
    spans: list[Span] = rows.records
    _note_dropped(rows, spans)
    took = [_took_ns(rows, row, span) for row, span in enumerate(spans)]
    return {
        **common_columns(rows),
        **promoted([span.attributes for span in spans], _PROMOTED),
        "timestamp": moments(rows, [span.start_ns for span in spans]),
        "trace_id": ids(rows, [span.trace_id for span in spans], TRACE_BYTES, "trace_id"),
        "span_id": ids(rows, [span.span_id for span in spans], SPAN_BYTES, "span_id"),
        "parent_span_id": ids(rows, [span.parent_span_id for span in spans], SPAN_BYTES, "parent_span_id"),
        "operation": [span.name or "unknown" for span in spans],
        "kind": [KINDS[span.kind] if 0 < span.kind < len(KINDS) else "" for span in spans],
        "duration_ms": [(ns + 500_000) // 1_000_000 for ns in took],
        "duration_us": [ns // 1_000 for ns in took],
        "status": list(map(status_of, spans)),
        "status_message": [span.status_message for span in spans],
        "events": [json_bytes(list(map(_event, span.events))) if span.events else b"" for span in spans],
        "links": [json_bytes(span.links) if span.links else b"" for span in spans],
        "scope_name": [span.source.scope_name for span in spans],
        "trace_state": [span.trace_state for span in spans],
    }


def _event(event: Event) -> dict[str, Any]:
    return {"name": event.name, "time": iso(event.time_ns), "attributes": event.attributes}


def _took_ns(rows: Rows, row: int, span: Span) -> int:
    """How long a span took; 0 for one that has no end, or ends before it starts."""
    if span.end_ns >= span.start_ns:
        return span.end_ns - span.start_ns
    if span.end_ns:
        rows.note(row, "end_time", iso(span.end_ns))
    return 0


def _note_dropped(rows: Rows, spans: list[Span]) -> None:
    for row, span in enumerate(spans):
        if span.dropped_events:
            rows.note(row, "dropped_events", span.dropped_events)
        if span.dropped_links:
            rows.note(row, "dropped_links", span.dropped_links)


def judge(span: Any) -> str:
    """The fault of a span of either encoding."""
    if not is_id(span.trace_id, TRACE_BYTES) or not is_id(span.span_id, SPAN_BYTES):
        return "invalid_id"
    start = span.start_time_unix_nano
    if isinstance(start, int):
        return "" if start > 0 else "missing_start_time"
    return "" if start and float(start) > 0 else "missing_start_time"


PROTOBUF = Format("otlp.traces", signal="traces", columns=columns, codec=Protobuf("Traces"))
JSON = Format("otlp.traces.json", signal="traces", columns=columns, codec=OtlpJson("Traces"))

INTAKE = Intake(
    routes=("/v1/traces", "/api/{sentry_project:digits}/integration/otlp/v1/traces"),
    api="otlp",
    bodies={
        PROTOBUF.name: Encoded(
            most=MOST, judge=judge, derivations=(errors.in_records(errors.SPANS), llm.in_spans(llm.PROTOBUF))
        ),
        JSON.name: Encoded(
            most=MOST, judge=judge, derivations=(errors.in_records(errors.SPANS_JSON), llm.in_spans(llm.JSON))
        ),
    },
    reply=partial(reply, SPANS),
    unwrap=by_encoding(PROTOBUF.name, JSON.name),
    is_heavy=is_heavy,
    publish_within_s=PUBLISH_WITHIN_S,
    examples={
        "one_span": {
            "resourceSpans": [
                {
                    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "checkout"}}]},
                    "scopeSpans": [
                        {
                            "scope": {"name": "shop.http"},
                            "spans": [
                                {
                                    "traceId": "5b8efff798038103d269b633813fc60c",
                                    "spanId": "eee19b7ec3c1b174",
                                    "name": "POST /orders",
                                    "kind": 2,
                                    "startTimeUnixNano": "1767268800000000000",
                                    "endTimeUnixNano": "1767268800012500000",
                                    "attributes": [{"key": "http.response.status_code", "value": {"intValue": "201"}}],
                                    "status": {"code": 1},
                                }
                            ],
                        }
                    ],
                }
            ]
        }
    },
)
