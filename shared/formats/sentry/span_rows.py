"""Spans of any shape -> their columns, and what they need (sentry-rows.md, "Spans")."""

from collections.abc import Sequence

import msgspec

from shared.formats.base import Columns, Rows
from shared.formats.otlp.ids import SPAN_BYTES, TRACE_BYTES
from shared.formats.sentry.reading import fields, hex_id, moment, moments, text
from shared.formats.sentry.span import Ids, Span, is_transaction, is_version_2, span_of

_AS_READ = ("operation", "description", "kind", "status", "status_message", "links", "scope_name", "user_id")


def judge(sent: msgspec.Raw) -> str:
    """Why a span or a transaction can't be stored, in one word; '' for a good one."""
    span = fields(sent)
    if not span:
        return "not_an_object"
    named = fields(fields(span.get("contexts")).get("trace")) if is_transaction(span) else span
    if not hex_id(named.get("trace_id"), TRACE_BYTES) or not hex_id(named.get("span_id"), SPAN_BYTES):
        return "invalid_id"
    if moment(span.get("start_timestamp")) is None:
        return "missing_start_time"
    needs_name = named is span and is_version_2(span)
    return "missing_name" if needs_name and not text(span.get("name")) else ""


def columns(rows: Rows) -> Columns:
    spans = list(map(span_of, rows.records))
    took = _took_us(rows, spans)
    for row, span in enumerate(spans):
        if span.extra:
            rows.notes.setdefault(row, {}).update(span.extra)
    return {
        **source_columns(rows, spans),
        **{name: [getattr(span.ids, name) for span in spans] for name in Ids._fields},
        **{name: [getattr(span, name) for span in spans] for name in _AS_READ},
        "timestamp": moments(rows, [span.times.start for span in spans]),
        "duration_us": took,
        "duration_ms": [milliseconds(us) for us in took],
        "attributes": [span.text for span in spans],
    }


def source_columns(rows: Rows, spans: Sequence[Span]) -> Columns:
    """A span's own words, else the stamp's."""
    return {
        "service": [span.service or stamped for span, stamped in zip(spans, rows.service, strict=True)],
        "environment": [
            span.environment or stamped or "production" for span, stamped in zip(spans, rows.environment, strict=True)
        ],
        "release": [span.release or stamped for span, stamped in zip(spans, rows.release, strict=True)],
    }


def duration_us(span: Span) -> int:
    """Below 0 for a span that ends before it starts; 0 for one without an end."""
    start, end = moment(span.times.start), moment(span.times.end)
    return 0 if start is None or end is None else end - start


def milliseconds(us: int) -> int:
    """Rounded half up."""
    return (us + 500) // 1_000


def _took_us(rows: Rows, spans: Sequence[Span]) -> list[int]:
    took = list(map(duration_us, spans))
    for row, us in enumerate(took):
        if us < 0:
            took[row] = 0
            rows.note(row, "end_time", spans[row].times.end)
    return took
