"""`POST /v1/traces`: Spans (contracts.md, "OTLP")."""

from collections.abc import Iterable, Sequence
from functools import partial
from operator import sub
from typing import Any

from shared.formats.base import Columns, Format, Rows
from shared.formats.intake import Derivation, Encoded, Intake
from shared.formats.otlp import errors, llm
from shared.formats.otlp.attributes import AttributesColumn
from shared.formats.otlp.columns import Promoted, common_columns, moments, note_all, promoted
from shared.formats.otlp.encoding import by_encoding, is_heavy
from shared.formats.otlp.ids import SPAN_BYTES, TRACE_BYTES, are_ids, ids, is_id
from shared.formats.otlp.json_text import OtlpJson
from shared.formats.otlp.limits import MOST, PUBLISH_WITHIN_S
from shared.formats.otlp.protobuf import Protobuf
from shared.formats.otlp.records import KINDS, Event, Link, iso, status_named
from shared.formats.otlp.replies import SPANS, reply
from shared.formats.otlp.values import json_bytes
from shared.formats.values import not_null, sent

_PROMOTED: Promoted = {"user_id": ("user.id", "enduser.id"), "session_id": ("session.id",)}


def columns(rows: Rows) -> Columns:
    span = sent(rows)
    attributes = AttributesColumn(span["attributes"])
    note_all(rows, "dropped_events", span["dropped_events"])
    note_all(rows, "dropped_links", span["dropped_links"])
    took = _took_ns(rows, span["start_ns"], span["end_ns"])
    return {
        **common_columns(rows, span, attributes),
        **promoted(attributes, _PROMOTED),
        "timestamp": moments(rows, span["start_ns"]),
        "trace_id": ids(rows, span["trace_id"], TRACE_BYTES, "trace_id"),
        "span_id": ids(rows, span["span_id"], SPAN_BYTES, "span_id"),
        "parent_span_id": ids(rows, span["parent_span_id"], SPAN_BYTES, "parent_span_id"),
        "operation": not_null(span["name"], "unknown"),
        "kind": [KINDS[kind] if 0 < kind < len(KINDS) else "" for kind in span["kind"]],
        "duration_ms": [(ns + 500_000) // 1_000_000 for ns in took],
        "duration_us": [ns // 1_000 for ns in took],
        "status": list(map(status_named, span["status"])),
        "status_message": span["status_message"],
        "events": [_array(map(_event, events)) if events else b"" for events in span["events"]],
        "links": [_array(map(_link, links)) if links else b"" for links in span["links"]],
        "scope_name": [source.scope_name for source in span["source"]],
        "trace_state": span["trace_state"],
    }


def _array(texts: Iterable[bytes]) -> bytes:
    return b"[%b]" % b",".join(texts)


def _event(event: Event) -> bytes:
    name, time = json_bytes(event.name), json_bytes(iso(event.time_ns))
    return b'{"name":%b,"time":%b,"attributes":%b}' % (name, time, event.attributes.text or b"{}")


def _link(link: Link) -> bytes:
    trace_id, span_id, state = map(json_bytes, (link.trace_id, link.span_id, link.trace_state))
    attributes = link.attributes.text or b"{}"
    return b'{"trace_id":%b,"span_id":%b,"trace_state":%b,"attributes":%b}' % (trace_id, span_id, state, attributes)


def _took_ns(rows: Rows, starts: Sequence[int], ends: Sequence[int]) -> list[int]:
    """How long spans took; 0 for one that has no end, or ends before it starts."""
    took = list(map(sub, ends, starts))
    if min(took) >= 0:
        return took
    for row, (ns, end_ns) in enumerate(zip(took, ends, strict=True)):
        if ns < 0:
            took[row] = 0
            if end_ns:
                rows.note(row, "end_time", iso(end_ns))
    return took


def judge(span: Any) -> str:
    """The fault of a span of either encoding."""
    if not is_id(span.trace_id, TRACE_BYTES) or not is_id(span.span_id, SPAN_BYTES):
        return "invalid_id"
    return "" if (span.start_time_unix_nano or 0) > 0 else "missing_start_time"


def all_good(spans: Iterable[Any]) -> bool:
    """Whether `judge` finds no fault; False may be wrong."""
    spans = list(spans)  # protobuf makes them anew each time
    try:
        has_starts = min([span.start_time_unix_nano for span in spans], default=1) > 0
    except TypeError:  # one is absent
        return False
    trace_ids, span_ids = [span.trace_id for span in spans], [span.span_id for span in spans]
    return has_starts and are_ids(trace_ids, TRACE_BYTES) and are_ids(span_ids, SPAN_BYTES)


def _spans(*derivations: Derivation) -> Encoded:
    return Encoded(most=MOST, judge=judge, all_good=all_good, derivations=derivations)


PROTOBUF = Format("otlp.traces", signal="traces", columns=columns, codec=Protobuf("Traces"))
JSON = Format("otlp.traces.json", signal="traces", columns=columns, codec=OtlpJson("Traces"))

INTAKE = Intake(
    routes=("/v1/traces", "/api/{sentry_project:digits}/integration/otlp/v1/traces"),
    api="otlp",
    bodies={
        PROTOBUF.name: _spans(errors.in_records(errors.SPANS), llm.in_spans(llm.PROTOBUF)),
        JSON.name: _spans(errors.in_records(errors.SPANS_JSON), llm.in_spans(llm.JSON)),
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
