"""The route of an error in OpenAPI's words."""

from typing import Any

import msgspec

from gateway.apis.proliferate import API
from gateway.mapping.answers import Mapped, Unmapped, no_map_for_release
from gateway.openapi import Components, Json
from gateway.openapi.answers import EVERYWHERE, OF_PATH, REQUEST_ID, WITH_KEY, limits, refusals
from gateway.openapi.ingest import KEY_SCHEMES
from gateway.query.events.answer import answer
from gateway.query.events.columns import KEYS, PLACE, schema_of
from gateway.query.events.search import event_of
from gateway.query.parameters import no_parameters
from gateway.query.refusals import EventNotFound
from gateway.rejections import LacksScope
from shared.signals.errors import SIGNAL

_HELP = {column.name: column.help for column in SIGNAL.table.columns}

_FILE = "https://shop.example/_next/static/chunks/app/page-9f8e7d6c.js"
_ROW = {column.name: column.default for column in SIGNAL.table.columns} | {
    "event_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "fingerprint": "6e2f" * 16,
    "fingerprint_version": 2,
    "fingerprint_parts": '["v2",["RangeError"],["page"],"price of * is negative","the whole message"]',
    "type": "RangeError",
    "error_message": "price of gift is negative",
    "stack_trace": f"RangeError: price of gift is negative\n    at h ({_FILE}:1:474)\n    at {_FILE}:1:801",
    "severity": "high",
    "service": "shop",
    "environment": "production",
    "release": "v1.2.3",
    "timestamp": 1_736_937_000_123_000,
    "received_at": 1_736_937_001_000_000,
    "attributes": '{"route":"/checkout"}',
    "format": "deeptracer.errors",
    "_topic": "errors",
    "_offset": 17,
}
_MAPPED = Mapped(
    function="priceOf",
    source="webpack://shop/./src/cart.ts",
    line=22,
    column=11,
    in_app=True,
    context_line="    throw new RangeError(`price of ${item.id} is negative`);",
    before=["  if (item.price < 0) {"],
    after=["  }"],
    map="static/chunks/app/page-9f8e7d6c.js.map",
)


def event(components: Components) -> Json:
    refused = (*EVERYWHERE, *WITH_KEY, *OF_PATH, LacksScope("read"), EventNotFound(), no_parameters())
    return {
        "tags": ["query"],
        "operationId": "event",
        "summary": "An error, its frames mapped to the sources",
        "description": "All that is stored of it, and `errors`: the chain as grouping reads it, the error that was"
        " caught first, then its causes; of each the frames, the innermost first. An event id may hold slashes.",
        "parameters": [],
        "security": KEY_SCHEMES,
        "responses": {"200": _answer(components), **refusals(API, refused, components)},
    }


def _answer(components: Components) -> Json:
    columns = {name: schema_of(name) | {"description": _HELP[name]} for name in KEYS}
    place = {key: schema_of(column) | {"description": _HELP[column]} for key, column in PLACE.items()}
    properties = columns | {
        "place": _object(place) | {"description": "The coordinates of the record in the queue."},
        "group": {
            "type": ["string", "null"],
            "description": "The fingerprint that its group goes by, as people have merged groups; null while unknown.",
        },
        "language": {"type": "string", "description": "Whose runtime printed the stack; `none` if that is not known."},
        "errors": {"type": "array", "items": _error(components)},
    }
    content = {"schema": _object(properties), "examples": {"one": {"value": _example()}}}
    return {
        "description": "The error",
        "headers": REQUEST_ID | limits(required=False),
        "content": {"application/json": content},
    }


def _error(components: Components) -> Json:
    text, number = {"type": ["string", "null"]}, {"type": ["integer", "null"], "minimum": 1}
    frame = {
        "function": text,
        "file": text,
        "line": number,
        "column": number,
        "in_app": {"type": "boolean", "description": "Whether grouping takes it for the application's own."},
        "why": {"type": "string", "description": "Why it does, or does not."},
        "mapped": {"anyOf": [components.schema(Mapped), components.schema(Unmapped)]},
    }
    frames = {"type": "array", "items": _object(frame)}
    return _object({"type": text, "message": text, "code": text, "frames": frames})


def _object(properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _example() -> Any:
    read = event_of("p", _ROW)
    made = answer(read, read.fingerprint, [[_MAPPED, no_map_for_release("v1.2.3")]])
    return msgspec.json.decode(b"".join(made))
