"""Errors: one row an occurrence, grouped by fingerprint."""

from shared.signals.base import Column, Index, Rollup, Signal, Table, identifier, low

SIGNAL = Signal(
    name="errors",
    table=Table(
        name="errors",
        own_columns=(
            identifier("event_id", "The client's id of this occurrence, else a UUIDv7."),
            Column("fingerprint", "String", "64 hex digits; equal for errors of one cause in one project."),
            Column("fingerprint_version", "UInt16", "Which algorithm made it."),
            Column("fingerprint_parts", "String", "JSON of what went into it, for people to read."),
            low("type", "Error class, or exception or message for Proliferate's."),
            Column("error_message", "String", "The message."),
            Column("stack_trace", "String", "The whole stack as sent."),
            low("severity", "low, medium, high or critical."),
            low("level", "The level as the client sent it."),
            Column("attributes", "String", "JSON object, byte for byte as the client sent it."),
            identifier("user_id", "The user it happened to."),
            identifier("user_email", "That user's address."),
            identifier("account_id", "The account it happened to."),
            identifier("account_name", "That account's name."),
            Column("user", "String", "JSON object of the user's further keys."),
            Column("account", "String", "JSON object of the account's further keys."),
            Column("url", "String", "Page or request address."),
            Column("user_agent", "String", "The browser's name."),
            identifier("session_id", "The client's session."),
            identifier("window_id", "The client's window."),
            identifier("digest", "Next.js's id of it, which the browser and the server's log show."),
            identifier("vercel_id", "Vercel's id of the request, without the regions."),
            Column("breadcrumbs", "String", "JSON array of what led to it, as sent."),
            low("platform", "python, javascript ..."),
            Column("handled", "UInt8", "1 where the program caught it."),
            low("format", "The wire format it came in."),
            identifier("span_id", "Span that it happened in."),
        ),
        indexes=(
            Index("event", "event_id", "bloom_filter(0.01)"),
            Index("digest", "digest", "bloom_filter(0.01)"),
            Index("vercel", "vercel_id", "bloom_filter(0.01)"),
            Index("fingerprints", "fingerprint", "bloom_filter(0.01)"),
        ),
        rollups=(
            Rollup(
                name="groups_by_hour",
                select=(
                    "SELECT project_id, fingerprint, toStartOfHour(timestamp), count(), min(timestamp), max(timestamp),"
                    " uniq(user_id), argMax(error_message, timestamp), argMax(type, timestamp),"
                    " groupUniqArray(8)(release)"
                    " GROUP BY project_id, fingerprint, toStartOfHour(timestamp)"
                ),
                question=(
                    "SELECT fingerprint, toStartOfHour(timestamp) AS hour, count(), min(timestamp), max(timestamp),"
                    " uniq(user_id), argMax(error_message, timestamp), argMax(type, timestamp),"
                    " groupUniqArray(8)(release)"
                    " FROM {table} WHERE project_id = 'p' GROUP BY fingerprint, hour"
                ),
            ),
        ),
    ),
)
