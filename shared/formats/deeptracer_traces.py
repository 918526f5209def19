"""`POST /ingest/traces` (contracts.md, "DeepTracer API"): one span a request."""

from typing import Literal

import msgspec

from shared.formats.base import ABSENT, Columns, Format, JsonObject, Rows
from shared.formats.codec import JsonArray
from shared.formats.deeptracer import Count, Release, Time, common_columns, reply
from shared.formats.intake import Intake, One
from shared.formats.values import WHOLE_MAX, raw_text, sent, thousandths, times, whole


class Span(msgspec.Struct, gc=False, kw_only=True):
    """The request, which is the record."""

    service: str = "unknown"
    environment: str = "production"
    trace_id: str
    span_id: str
    parent_span_id: str = ""
    operation: str
    start_time: Time
    duration_ms: Count
    status: Literal["ok", "error"] = "ok"
    metadata: JsonObject = ABSENT
    release: Release = ""


def columns(rows: Rows) -> Columns:
    span = sent(rows)
    return {
        **common_columns(span),
        "timestamp": times(rows, span["start_time"], "start_time"),
        **{name: span[name] for name in ("trace_id", "span_id", "parent_span_id", "operation", "status")},
        "duration_ms": whole(rows, span["duration_ms"], "duration_ms"),
        "duration_us": [_microseconds(ms) for ms in span["duration_ms"]],
        "attributes": raw_text(span["metadata"]),
    }


def _microseconds(ms: float) -> int:
    """Cut, as all times are."""
    return thousandths(min(ms, WHOLE_MAX))


FORMAT = Format("deeptracer.traces", signal="traces", columns=columns, codec=JsonArray(Span))

INTAKE = Intake(
    routes=("/ingest/traces",),
    api="deeptracer",
    bodies={FORMAT.name: One()},
    reply=reply,
    examples={
        "root_span": {
            "service": "my-app",
            "environment": "production",
            "trace_id": "abc123def456",
            "span_id": "span_001",
            "parent_span_id": "",
            "operation": "GET /api/users",
            "start_time": "2026-02-23T00:00:00.000Z",
            "duration_ms": 145,
            "status": "ok",
            "metadata": {"http.status_code": 200},
        }
    },
)
