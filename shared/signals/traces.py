"""Traces: one row a span."""

from shared.signals.base import LOW, Column, Signal, Table

SIGNAL = Signal(
    name="traces",
    table=Table(
        name="spans",
        own_columns=(
            Column("span_id", "String", "The span's id."),
            Column("parent_span_id", "String", "The span that called it; '' for a root."),
            Column("operation", LOW, "What it did, e.g. GET /api/users."),
            Column("duration_ms", "UInt64", "How long it took, milliseconds, rounded half up."),
            Column("status", LOW, "ok or error."),
            Column("attributes", "String", "JSON object, byte for byte as the client sent it."),
        ),
    ),
)
