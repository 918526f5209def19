"""Traces: one row a span."""

from shared.signals.base import LOW, RESOURCE_LIMIT, Column, Signal, Table, identifier, low

SIGNAL = Signal(
    name="traces",
    table=Table(
        name="spans",
        own_columns=(
            identifier("span_id", "The span's id."),
            identifier("parent_span_id", "The span that called it; '' for a root."),
            low("operation", "What it did, e.g. GET /api/users."),
            Column("duration_ms", "UInt64", "How long it took, milliseconds, rounded half up."),
            low("status", "ok, error or unset."),
            Column("attributes", "String", "JSON object, byte for byte as the client sent it."),
            low("kind", "internal, server, client, producer or consumer; '' for unknown."),
            Column("duration_us", "UInt64", "How long it took, microseconds, cut."),
            Column("status_message", "String", "What the status says, of an error why."),
            Column("description", "String", "What it did, in words."),
            Column("events", "String", "JSON array of {name, time, attributes}."),
            Column("links", "String", "JSON array of {trace_id, span_id, trace_state, attributes}."),
            low("scope_name", "The instrumentation that made it."),
            Column("trace_state", "String", "W3C's tracestate, as sent."),
            Column("resource", LOW, "JSON object of what sent it: OpenTelemetry's resource.", limit=RESOURCE_LIMIT),
            identifier("user_id", "The user it served."),
            identifier("session_id", "The client's session."),
            low("format", "The wire format it came in."),
        ),
    ),
)
