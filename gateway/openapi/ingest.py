"""Describes the ingest routes from their intakes."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from starlette.routing import compile_path

from gateway.apis.base import Api
from gateway.http.unpack import CODINGS
from gateway.ingest import IngestRoute
from gateway.openapi.answers import DRAIN, EVERYWHERE, HANDSHAKE, INGEST, OF_PATH, REQUEST_ID, binary, limits, refusals
from gateway.openapi.bodies import content_of, values_of
from gateway.openapi.route import Operations
from gateway.openapi.schemas import Components, Json
from gateway.openapi.trial import Trial
from gateway.rejections import MAX_KEY, Rejection
from shared.formats.codec import JsonArray
from shared.formats.intake import Intake, Outcome
from shared.registry import Registry

KEY_SCHEMES: list[Json] = [{"bearer": []}, {"x_api_key": []}]
_SENTRY_SCHEME: Json = {"x_sentry_auth": []}
_IN_QUERY: Json = {"sentry_key": []}
_NO_SCHEME: Json = {}
"""No scheme that OpenAPI knows: the key is in the body, or none is needed."""

_RULES = "A 2xx is sent once every record is durable in the queue. Unknown fields are ignored."
_JSON_ONLY = " So is Content-Type: the body is JSON."

_PARAMETERS: list[Json] = [
    {
        "name": "Content-Encoding",
        "in": "header",
        "description": "How the body is packed; any other value is answered with 415.",
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
    "description": "HMAC-SHA1 of the body, hex, with the project's drain secret; required only if it has one.",
    "schema": {"type": "string"},
}
_VERIFY: Json = {"description": "The code that Vercel verifies the endpoint with.", "schema": {"type": "string"}}
_SOME = Outcome(1, 0, ["0" * 64], ["0"])
_SPOOLED: Json = {
    "X-Sluice-Spooled": {
        "description": "The records wait on the gateway's disk until the queue is back.",
        "schema": {"const": "1"},
    }
}


def operations_of(route: IngestRoute, path: str) -> Operations:
    """The methods of one of a route's paths."""
    one = _Path(route.intake, route.api, route.registry, path)
    return {"GET": one.handshake, "POST": one.delivery} if route.intake.kind == "drain" else {"POST": one.post}


class _Path:
    """One path of an intake."""

    def __init__(self, intake: Intake, api: Api, registry: Registry, path: str) -> None:
        self._intake = intake
        self._api = api
        self._registry = registry
        names = compile_path(path)[2]
        self._names_project = "project_id" in names
        self._tag, _, _ = intake.name.partition(".")
        self._suffix = "".join(f"_of_{name.removesuffix('_id')}" for name in names)
        self._id = intake.operation or intake.name.replace(".", "_")

    def post(self, components: Components) -> Json:
        return self._post(components, INGEST)

    def delivery(self, components: Components) -> Json:
        """`POST` of a drain: that of any route, with the signature and the handshake."""
        operation = self._post(components, DRAIN)
        operation["parameters"] = [*operation["parameters"], _SIGNATURE]
        operation["requestBody"]["required"] = False
        operation["description"] += " An empty body, or an empty object, asks for the handshake and needs no key."
        operation["responses"][self._status]["headers"]["x-vercel-verify"] = _VERIFY
        return operation

    def handshake(self, components: Components) -> Json:
        status, reply = self._intake.reply(Outcome(0))
        response = self._accepted(reply, {"handshake": reply}, {"x-vercel-verify": _VERIFY})
        return {
            "operationId": f"{self._id}_handshake{self._suffix}",
            "tags": [self._tag],
            "summary": "Ownership handshake",
            "description": "Vercel asks whether the endpoint is ours. No key is needed; with one, or with a project in "
            "the path, the project's code is sent, else the inbound `x-vercel-verify` is echoed.",
            "parameters": [{"name": "x-vercel-verify", "in": "header", "schema": {"type": "string"}}],
            "security": [_NO_SCHEME, *KEY_SCHEMES],
            "responses": {str(status): response, **self._refusals(HANDSHAKE, components)},
        }

    def _post(self, components: Components, refused: Iterable[Rejection]) -> Json:
        formats = [self._registry.formats[name] for name in self._intake.bodies]
        signals = ", ".join(dict.fromkeys(fmt.signal for fmt in formats))
        names = ", ".join(fmt.name for fmt in formats)
        trial = Trial(self._intake, self._api, self._registry)
        return {
            "operationId": self._id + self._suffix,
            "tags": [self._tag],
            "summary": f"Take in {signals} ({names})",
            "description": _RULES
            + (_JSON_ONLY if all(isinstance(fmt.codec, JsonArray) for fmt in formats) and not self._is_sentry else "")
            + (" Text limits count UTF-16 units." if self._api.utf16_lengths else ""),
            "parameters": _PARAMETERS,
            "requestBody": {"required": True, "content": content_of(self._intake, self._registry, components)},
            "security": self._schemes(),
            "responses": {
                self._status: self._success(trial),
                **self._refusals((*refused, *trial.refusals()), components),
            },
        }

    @property
    def _is_sentry(self) -> bool:
        return self._intake.kind == "sentry"

    def _schemes(self) -> list[Json]:
        """In the order in which they are looked for."""
        of_sentry = [_SENTRY_SCHEME] if self._api.sentry_keys else []
        return [*of_sentry, *KEY_SCHEMES, *([_IN_QUERY] if self._is_sentry else ()), _NO_SCHEME]

    @property
    def _status(self) -> str:
        return str(self._intake.reply(_SOME)[0])

    def _success(self, trial: Trial) -> Json:
        """The answer to the examples."""
        outcomes = trial.outcomes() or {"one": _SOME}
        replies = {name: self._intake.reply(outcome)[1] for name, outcome in outcomes.items()}
        bodies = self._intake.bodies.values()
        headers = limits(required=False)
        text = {"type": "string"}
        if any(body.names_events for body in bodies):
            headers["X-Event-Id"] = {"description": "The ids of the errors, comma-separated.", "schema": text}
        if any(body.partial for body in bodies):
            description = "`index:reason` of the first records dropped."
            headers["X-Dropped"] = {"description": description, "schema": text}
        if self._is_sentry:
            headers["X-Sentry-Rate-Limits"] = {"description": "Asks not to send what is not stored.", "schema": text}
        return self._accepted(next(iter(replies.values())), replies, headers)

    def _accepted(self, reply: bytes, replies: Mapping[str, bytes], headers: Json) -> Json:
        examples = values_of({name: msgspec.json.decode(each) for name, each in replies.items()})
        schema = _like(msgspec.json.decode(reply))
        if self._is_sentry:
            del schema["required"]  # an envelope without an event has no id
        content = {"schema": schema, "examples": examples}
        return {
            "description": "Accepted",
            "headers": REQUEST_ID | _SPOOLED | headers,
            "content": {self._api.media_type: content, **binary(self._api.also)},
        }

    def _refusals(self, refused: Iterable[Rejection], components: Components) -> Json:
        of_path = OF_PATH if self._names_project else ()
        return refusals(self._api, (*EVERYWHERE, *refused, *of_path), components)


_TYPES: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}


def _like(value: Any) -> Json:
    """The schema of a reply, which always has the same keys."""
    if isinstance(value, dict):
        properties = {key: _like(each) for key, each in value.items()}
        return {"type": "object", "properties": properties, "required": list(value)}
    return {"type": _TYPES[type(value)]} if type(value) in _TYPES else {}
