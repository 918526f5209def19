"""The routes of logs in OpenAPI's words. Their parameters are listed by the functions that read them."""

from collections.abc import Callable
from typing import Any

from gateway.apis.proliferate import API
from gateway.openapi import Components, Json
from gateway.openapi.answers import COMPLETE, EVERYWHERE, OF_PATH, REQUEST_ID, WITH_KEY, limits, refusals
from gateway.openapi.ingest import KEY_SCHEMES
from gateway.query.listed import ListedParameters
from gateway.query.logs.columns import INCLUDABLE, KEYS, schema_of_log
from gateway.query.logs.filters import EQUAL, parse_around, parse_log_query
from gateway.query.parameters import Parameters
from gateway.query.refusals import BadQuery, EventNotFound, ProjectNotFound
from gateway.rejections import LacksScope, Rejection
from shared.signals.logs import LOGS

_HELP = {column.name: column.help for column in LOGS.columns}
_MEANINGS = {
    "q": 'Only logs that this query finds, e.g. `level:>=warn service:checkout "card declined" -user:*`. A text that is'
    " no query is searched as it is, and `X-Query-Hint` says why.",
    "levels": "Only logs of these levels; in any case, `warning` is `warn`.",
    "search": "Only logs whose message holds this text, in any case.",
    "start_time": "Not before this time; without an offset it is UTC, a date alone is its first moment.",
    "end_time": "Not after this time; a date alone is its last moment.",
    "limit": "How many logs at most.",
    "offset": "How many logs to skip; for deep pages take `cursor`.",
    "cursor": "Where the next page begins: from the `Link` header, not to be made up.",
    "budget": "How many rows may be searched through; then the answer may stop early: `Link` goes on from there, and"
    " `total` counts what was found.",
    "as_of": "Only what was stored in this state, from an `X-As-Of` header: pages and counts that don't move.",
    "include": "Further columns that each log is to have; `ref` is where it is, for `/logs/{ref}`.",
    "seconds": "How long it lasts; 0: what there is since `last_event_id`, and no longer.",
    "last_event_id": "Go on behind this event; or behind a state, from an `X-As-Of` header or the field `as_of`.",
    "attr.": "`attr.<key>=<value>`: only logs with this attribute; a literal key or a dotted path, several are ANDed.",
} | {name: f"Only logs with exactly this value. {_HELP[name]}" for name in EQUAL}

HEADERS = {
    name: {"description": meaning, "schema": {"type": "string"}}
    for name, meaning in {
        "X-Query-Hint": "What the writer of `q` may want to know: where it is no query, which field there isn't.",
        "X-Searched-To": "With `budget`: back to which time the logs were searched.",
        "X-Searched-Rows": "With `budget`: about how many rows were searched through, and how many there are: `5/9`.",
    }.items()
}

EXAMPLE = {
    "timestamp": "2025-01-15T10:30:00.123Z",
    "level": "error",
    "message": "Database connection failed",
    "template": "Database connection failed: {error}",
    "attributes": {"error": "timeout"},
    "trace_id": "trace_abc123",
    "span_id": "span_xyz789",
    "user_id": "user_123",
    "account_id": "acct_456",
    "logger_name": "db.pool",
    "file_path": "src/db/pool.py",
    "line_number": 42,
    "function_name": "connect",
}
"""The one in the Proliferate API's document ("Via API")."""


def project_logs(components: Components) -> Json:
    operation = read_operation(parse_log_query, ProjectNotFound(), components)
    operation["responses"]["200"]["headers"] |= HEADERS
    return operation | {
        "operationId": "project_logs",
        "summary": "The logs of a project",
        "description": "Newest first. `total` counts all that match; `has_more`: there are more after these.",
    }


def event_logs(components: Components) -> Json:
    operation = read_operation(parse_around, EventNotFound(), components)
    return operation | {
        "operationId": "event_logs",
        "summary": "The logs around an error",
        "description": "Those of its trace within five minutes of it, oldest first. An event id may hold slashes.",
    }


def read_operation(
    parse: Callable[[Parameters], Any], unknown: Rejection, components: Components, *more: Rejection
) -> Json:
    """What the routes of logs have in common. `more`: further refusals."""
    listed = ListedParameters(_MEANINGS)
    parse(listed)
    refused = (*EVERYWHERE, *WITH_KEY, *OF_PATH, LacksScope("read"), unknown, _bad_query(parse), *more)
    return {
        "tags": ["query"],
        "parameters": listed.found,
        "security": KEY_SCHEMES,
        "responses": {"200": _page(), **refusals(API, refused, components)},
    }


def _bad_query(parse: Callable[[Parameters], Any]) -> Rejection:
    """How bad parameters are refused."""
    try:
        parse(Parameters([("include", "nothing")]))
    except BadQuery as refusal:
        return refusal
    raise AssertionError("an unknown column was accepted")


def _page() -> Json:
    link = {"Link": {"description": '`rel="next"`: the next page.', "schema": {"type": "string"}}}
    return {
        "description": "The logs",
        "headers": REQUEST_ID | limits(required=False) | link | COMPLETE,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "logs": {"type": "array", "items": schema_of_log(KEYS, INCLUDABLE)},
                        "total": {"type": "integer", "minimum": 0},
                        "has_more": {"type": "boolean"},
                    },
                    "required": ["logs", "total", "has_more"],
                    "additionalProperties": False,
                },
                "examples": {"one": {"value": {"logs": [EXAMPLE], "total": 1, "has_more": False}}},
            }
        },
    }
