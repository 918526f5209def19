"""The tail in OpenAPI's words. Its schema is that of one event; the data of an event are JSON."""

import json

from gateway.openapi import Components, Json
from gateway.openapi.answers import REQUEST_ID, limits
from gateway.query.logs.columns import INCLUDABLE, KEYS, schema_of_log
from gateway.query.logs.openapi import EXAMPLE, HEADERS, read_operation
from gateway.query.logs.tail.query import parse_tail
from gateway.query.refusals import ProjectNotFound, TooManyTails
from gateway.query.tails import KEY_TAILS

_TIME = {"type": "string", "format": "date-time"}
_PROGRESS = {
    "complete_up_to": {**_TIME, "type": ["string", "null"]},
    "complete_reason": {"type": ["string", "null"]},
}
_LEFT_OUT = {"count": {"type": ["integer", "null"]}, "start_time": _TIME, "end_time": _TIME}

_TOLD = {
    "left_out": None,
    "complete_up_to": "2025-01-15T10:30:01.456Z",
    "complete_reason": None,
}
_EVENT = {"event": "logs", "id": "kgGA", "data": json.dumps({"logs": [EXAMPLE | {"late": False}], **_TOLD})}


def project_tail(components: Components) -> Json:
    operation = read_operation(parse_tail, ProjectNotFound(), components, TooManyTails(KEY_TAILS))
    again = "The id of the last event that a browser has got; it counts before the parameter."
    operation["parameters"].append(
        {"name": "Last-Event-ID", "in": "header", "description": again, "schema": {"type": "string"}}
    )
    operation["responses"]["200"] = {
        "description": "Events",
        "headers": REQUEST_ID | limits(required=False) | {"X-Query-Hint": HEADERS["X-Query-Hint"]},
        "content": {"text/event-stream": {"schema": {"oneOf": _events()}, "examples": {"logs": {"value": _EVENT}}}},
    }
    return operation | {
        "operationId": "tail_logs",
        "summary": "The logs of a project as they are stored",
        "description": "Server-sent events. The id of an event is the place behind it: give it back, and the tail goes"
        " on there, without a gap or a repeat.",
    }


def _events() -> list[Json]:
    left_out = {"anyOf": [_object(_LEFT_OUT), {"type": "null"}]}
    logs = {"type": "array", "items": schema_of_log(KEYS, INCLUDABLE, late={"type": "boolean"})}
    return [
        _event("logs", {"logs": logs, "left_out": left_out, **_PROGRESS}),
        _event("progress", _PROGRESS),
        _event("recreated", {"topic": {"type": "string"}, "partition": {"type": "integer"}}),
        _event("end", {"reason": {"type": "string"}}),
    ]


def _event(name: str, data: Json) -> Json:
    text = {"type": "string", "contentMediaType": "application/json", "contentSchema": _object(data)}
    return _object({"event": {"const": name}, "data": text}, id={"type": "string"}, retry={"type": "integer"})


def _object(properties: Json, **more: Json) -> Json:
    """`more`: properties that it may have."""
    return {
        "type": "object",
        "properties": properties | more,
        "required": list(properties),
        "additionalProperties": False,
    }
