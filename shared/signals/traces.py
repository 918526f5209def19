"""Traces: one row a span."""

from shared.signals.base import Column, Signal, Table, identifier, low

SIGNAL = Signal(
    name="traces",
    table=Table(
        name="spans",
        own_columns=(
            identifier("span_id", "The span's id."),
            identifier("parent_span_id", "The span that called it; '' for a root."),
            low("operation", "What it did, e.g. GET /api/users."),
            Column("duration_ms", "UInt64", "How long it took, milliseconds, rounded half up."),
            low("status", "ok or error."),
            Column("attributes", "String", "JSON object, byte for byte as the client sent it."),
        ),
    ),
)
