"""What the ingest routes are, said by their formats."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from gateway.http.unpack import CODINGS
from gateway.idempotency import MAX_KEY
from gateway.openapi.answers import DRAIN, EVERYWHERE, HANDSHAKE, INGEST, OF_PATH, REQUEST_ID, limits, refusals
from gateway.openapi.route import Describe
from gateway.openapi.schemas import Components, Json, body_schema
from gateway.rejections import Rejection
from gateway.validation.validator import Validator
from shared.fingerprint import CURRENT, fingerprint
from shared.formats.base import Format, Outcome

KEY_SCHEMES: list[Json] = [{"bearer": []}, {"x_api_key": []}]
_NO_SCHEME: Json = {}
"""No scheme that OpenAPI knows: the key stands in the body, or none is needed."""

_RULES = (
    "A 2xx is sent once every record is durable in the queue. Unknown fields are ignored. Content-Type is not looked "
    "at: the body is JSON."
)

_PARAMETERS: list[Json] = [
    {
        "name": "Content-Encoding",
        "in": "header",
        "description": "How the body is packed; another one is answered 415.",
        "schema": {"enum": ["identity", *(coding.decode() for coding in CODINGS)]},
    },
    {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A repeat of the body with the same key within ten minutes gets the first answer, stored once.",
        "schema": {"type": "string", "maxLength": MAX_KEY},
    },
]
_SIGNATURE: Json = {
    "name": "x-vercel-signature",
    "in": "header",
    "description": "HMAC-SHA1 of the body, hex, with the project's drain secret; wanted only where there is one.",
    "schema": {"type": "string"},
}
_VERIFY: Json = {"description": "The code that Vercel verifies the endpoint with.", "schema": {"type": "string"}}
_NOT_JSON = (b"{", b"{}", b'"text"')
"""Bodies that show how a format refuses: what is no JSON, what lacks everything, what is of another type."""


def taking_in(fmt: Format) -> Describe:
    """`POST` of a format's route."""

    def describe(components: Components) -> Json:
        return _taking_in(fmt, components, INGEST)

    return describe


def draining(fmt: Format, of_project: bool) -> Mapping[str, Describe]:
    """The methods of a drain's route, with a project in its path or without."""
    more: tuple[Rejection, ...] = (*DRAIN, *OF_PATH) if of_project else DRAIN
    suffix = "_of_project" if of_project else ""

    def post(components: Components) -> Json:
        operation = _taking_in(fmt, components, more)
        operation["operationId"] += suffix
        operation["parameters"] = [*operation["parameters"], _SIGNATURE]
        operation["requestBody"]["required"] = False
        operation["description"] += " An empty body, or an empty object, asks for the handshake and needs no key."
        operation["responses"][_status(fmt)]["headers"]["x-vercel-verify"] = _VERIFY
        return operation

    def handshake(components: Components) -> Json:
        status, reply = fmt.reply(Outcome(0))
        response = _json_response(reply, {"handshake": reply}, {"x-vercel-verify": _VERIFY})
        refused = (*EVERYWHERE, *HANDSHAKE, *(OF_PATH if of_project else ()))
        return {
            "operationId": f"{_id(fmt)}_handshake{suffix}",
            "tags": [_tag(fmt)],
            "summary": "Ownership handshake",
            "description": "Vercel asks whether the endpoint is ours. No key is needed; with one, or with a project in "
            "the path, the project's code is told, else the inbound `x-vercel-verify` is echoed.",
            "parameters": [{"name": "x-vercel-verify", "in": "header", "schema": {"type": "string"}}],
            "security": [_NO_SCHEME, *KEY_SCHEMES],
            "responses": {str(status): response, **refusals(fmt.api, refused, components)},
        }

    return {"GET": handshake, "POST": post}


def _taking_in(fmt: Format, components: Components, refused: Iterable[Rejection]) -> Json:
    refused = (*EVERYWHERE, *refused, *_refused_bodies(fmt))
    return {
        "operationId": _id(fmt),
        "tags": [_tag(fmt)],
        "summary": f"Take in {fmt.signal} ({fmt.name})",
        "description": _RULES + (" Text limits count UTF-16 units." if fmt.api == "deeptracer" else ""),
        "parameters": _PARAMETERS,
        "requestBody": {"required": True, "content": _content(fmt, components)},
        "security": [*KEY_SCHEMES, _NO_SCHEME],
        "responses": {_status(fmt): _success(fmt), **refusals(fmt.api, refused, components)},
    }


def _content(fmt: Format, components: Components) -> Json:
    content: Json = {"application/json": {"schema": body_schema(fmt, components), "examples": _values(fmt.examples)}}
    if fmt.split is not None:
        lines = {name: _lines(body) for name, body in fmt.examples.items() if isinstance(body, list)}
        schema = {
            "type": "string",
            "description": "One JSON object a line; a line that is none is dropped and counted.",
        }
        content["application/x-ndjson"] = {"schema": schema, "examples": _values(lines)}
    return content


def _lines(entries: list[Any]) -> str:
    return "".join(msgspec.json.encode(entry).decode() + "\n" for entry in entries)


def _success(fmt: Format) -> Json:
    """What the examples are answered with."""
    outcomes = {name: _outcome(fmt, body) for name, body in fmt.examples.items()} or {"one": Outcome(1, 0, ["0" * 64])}
    replies = {name: fmt.reply(outcome)[1] for name, outcome in outcomes.items()}
    headers = limits(required=False)
    text = {"type": "string"}
    if fmt.fingerprinted or fmt.look:
        headers["X-Event-Id"] = {"description": "The ids of the errors, comma-separated.", "schema": text}
    if fmt.partial:
        headers["X-Dropped"] = {"description": "`index:reason` of the first records dropped.", "schema": text}
    return _json_response(next(iter(replies.values())), replies, headers)


def _outcome(fmt: Format, body: Any) -> Outcome:
    try:
        taken = Validator(fmt).validate(msgspec.json.encode(body))
    except Rejection as rejection:
        raise ValueError(f"an example of the format {fmt.name} is refused: {rejection.body(fmt.api)}") from rejection
    prints = [fingerprint(CURRENT, *of).hash for of in taken.prints_of]
    return Outcome(taken.n + taken.pings, len(taken.dropped), prints)


def _refused_bodies(fmt: Format) -> Iterable[Rejection]:
    """How the format itself refuses bodies."""
    for body in _NOT_JSON:
        try:
            Validator(fmt).validate(body)
        except Rejection as rejection:
            yield rejection


def _json_response(reply: bytes, replies: Mapping[str, bytes], headers: Json) -> Json:
    examples = _values({name: msgspec.json.decode(each) for name, each in replies.items()})
    return {
        "description": "Accepted",
        "headers": REQUEST_ID | headers,
        "content": {"application/json": {"schema": _like(msgspec.json.decode(reply)), "examples": examples}},
    }


_TYPES: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}


def _like(value: Any) -> Json:
    """The schema of a reply: it always has the same keys."""
    if isinstance(value, dict):
        properties = {key: _like(each) for key, each in value.items()}
        return {"type": "object", "properties": properties, "required": list(value)}
    return {"type": _TYPES[type(value)]} if type(value) in _TYPES else {}


def _values(examples: Mapping[str, Any]) -> Json:
    return {name: {"value": value} for name, value in examples.items()}


def _status(fmt: Format) -> str:
    return str(fmt.reply(Outcome(1, 0, ["0" * 64]))[0])


def _id(fmt: Format) -> str:
    return fmt.name.replace(".", "_")


def _tag(fmt: Format) -> str:
    return fmt.name.partition(".")[0]
