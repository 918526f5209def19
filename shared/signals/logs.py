"""Logs: one row a log entry."""

from shared.signals.base import LOW, Column, Rollup, Signal, Table

LOGS = Table(
    name="logs",
    own_columns=(
        Column("level", LOW, "trace, debug, info, warn, error or fatal."),
        Column("severity_number", "UInt8", "OpenTelemetry's number of the level: 1, 5, 9, 13, 17, 21."),
        Column("message", "String", "The text."),
        Column("template", "String", "The text before its values were filled in."),
        Column("attributes", "String", "JSON object, byte for byte as the client sent it."),
        Column("span_id", "String", "Span that it belongs to."),
        Column("request_id", "String", "The client's own id of the request it was serving."),
        Column("logger_name", LOW, "Logger, or DeepTracer's context."),
        Column("file_path", LOW, "Source file."),
        Column("line_number", "UInt32", "Line in the source file; 0 for none."),
        Column("function_name", LOW, "Function in the source file."),
        Column("user_id", "String", "The user it concerns."),
        Column("user_email", "String", "That user's address."),
        Column("account_id", "String", "The account it concerns."),
        Column("account_name", "String", "That account's name."),
        Column("user", "String", "JSON object of the user's further keys."),
        Column("account", "String", "JSON object of the account's further keys."),
        Column("format", LOW, "The wire format it came in."),
    ),
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
