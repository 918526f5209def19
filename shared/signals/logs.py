"""Logs: one row a log entry."""

from shared.signals.base import Column, Index, Rollup, Signal, Table, identifier, low

LOGS = Table(
    name="logs",
    own_columns=(
        low("level", "trace, debug, info, warn, error or fatal."),
        Column("severity_number", "UInt8", "OpenTelemetry's number of the level: 1, 5, 9, 13, 17, 21."),
        Column("message", "String", "The text."),
        Column("template", "String", "The text before its values were filled in."),
        Column("attributes", "String", "JSON object, byte for byte as the client sent it."),
        identifier("span_id", "Span that it belongs to."),
        identifier("request_id", "The client's own id of the request it was serving."),
        identifier("vercel_id", "Vercel's id of that request, without the regions."),
        low("logger_name", "Logger, or DeepTracer's context."),
        low("file_path", "Source file."),
        Column("line_number", "UInt32", "Line in the source file; 0 for none."),
        low("function_name", "Function in the source file."),
        identifier("user_id", "The user it concerns."),
        identifier("user_email", "That user's address."),
        identifier("account_id", "The account it concerns."),
        identifier("account_name", "That account's name."),
        Column("user", "String", "JSON object of the user's further keys."),
        Column("account", "String", "JSON object of the account's further keys."),
        low("format", "The wire format it came in."),
    ),
    indexes=(Index("vercel", "vercel_id", "bloom_filter(0.01)"),),
    rollups=(
        Rollup(
            name="templates_by_hour",
            select=(
                "SELECT project_id, template, level, toStartOfHour(timestamp), count(), max(timestamp)"
                " GROUP BY project_id, template, level, toStartOfHour(timestamp)"
            ),
            question=(
                "SELECT template, level, toStartOfHour(timestamp) AS hour, count(), max(timestamp) FROM {table}"
                " WHERE project_id = 'p' GROUP BY template, level, hour"
            ),
        ),
    ),
)

SIGNAL = Signal(name="logs", table=LOGS)
