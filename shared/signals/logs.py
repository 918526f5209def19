"""Logs: one row a log entry."""

from shared.signals.base import (
    LOW,
    RESOURCE_LIMIT,
    Alias,
    Column,
    Index,
    Retired,
    Rollup,
    Signal,
    Table,
    identifier,
    low,
)

PATTERN = (
    "if(notEmpty(template), template, reverse(replaceRegexpAll(reverse(replaceRegexpAll("
    "substringUTF8(message, 1, 512), '\\\\d\\\\S*', '0')), '0\\\\S*', '*')))"
)
"""The template, else the message with `*` for every word that holds a digit. One regular expression for the whole word
costs twice as much: here the first drops what follows a digit, the second what stands before it
(storage.md, "Patterns")."""

ATTRIBUTE_ITEMS = (
    "if(isValidJSON(attributes) AND position(attributes, '\\\\') = 0,"
    " arrayMap(pair -> concat(pair.1, '=', pair.2), JSONExtractKeysAndValues(attributes, 'String')), ['odd'])"
)
"""`key=text` of the attributes' own scalars; `odd` alone for JSON in which a text may be spelled in several ways."""

_PATTERNS = f"project_id, {PATTERN}, level, toStartOfHour(timestamp)"
_VOLUME = "project_id, toStartOfFiveMinutes(timestamp), level, service, environment"

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
        Column("resource", LOW, "JSON object of what sent it: OpenTelemetry's resource.", limit=RESOURCE_LIMIT),
        low("event_name", "OpenTelemetry's name of the kind of event."),
    ),
    indexes=(
        Index("vercel", "vercel_id", "bloom_filter(0.01)"),
        Index("user_ids", "user_id", "bloom_filter(0.01)"),
        Index("request_ids", "request_id", "bloom_filter(0.01)"),
    ),
    aliases=(Alias("pattern", "String", PATTERN, "The template, else the message with * for what holds a digit."),),
    rollups=(
        Rollup(
            name="patterns_by_hour",
            select=f"SELECT {_PATTERNS}, count(), min(timestamp), max(timestamp) GROUP BY {_PATTERNS}",
            question=(
                "SELECT pattern, level, toStartOfHour(timestamp) AS hour, count(), min(timestamp), max(timestamp)"
                " FROM {table} WHERE project_id = 'p' GROUP BY pattern, level, hour"
            ),
        ),
        Rollup(
            name="volume_by_5min",
            select=f"SELECT {_VOLUME}, count() GROUP BY {_VOLUME}",
            question=(
                "SELECT toStartOfFiveMinutes(timestamp) AS time, level, count() FROM {table} WHERE project_id = 'p'"
                " AND service = 'service 1' AND toStartOfFiveMinutes(timestamp) >= now() - toIntervalDay(1)"
                " GROUP BY time, level"
            ),
        ),
    ),
    search_indexes={
        "words": Index("search_words", "lower(message)", "tokenbf_v1(32768, 3, 0)"),
        "substrings": Index("search_substrings", "lower(message)", "ngrambf_v1(4, 32768, 3, 0)"),
        "attributes": Index("search_attributes", ATTRIBUTE_ITEMS, "bloom_filter(0.01)"),
    },
    retired=(Retired("templates_by_hour", "patterns_by_hour"),),
)

SIGNAL = Signal(name="logs", table=LOGS)
