"""The OpenAPI document of the routes that a process serves."""

from collections.abc import Iterable
from typing import Any

import msgspec
from starlette.routing import BaseRoute

from gateway.openapi.route import Described, Digits
from gateway.openapi.schemas import Components, Json
from shared.version import VERSION

PATH = "/openapi.json"
CACHED_S = 300

_DESCRIPTION = """\
Takes logs, errors, trace spans, LLM usage and Vercel log drains, and answers once they are durable in a queue.

* Every path is served with a trailing slash too; `OPTIONS` on any of them is the preflight (204, for any origin).
* A key is sent as `Authorization: Bearer`, as `X-API-Key`, or as `api_key` in the body; the first of these decides.
  Where Sentry's SDKs send, as `X-Sentry-Auth` before these.
* Between client and gateway delivery is at least once: retry 408, 429 and 5xx with backoff and the same
  `Idempotency-Key`.
* Answers to a browser carry `Access-Control-Allow-Origin`; a key with a list of origins is valid for these only (403).
"""

_SCHEMES: Json = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "Wins over the other ways to send a key."},
    "x_api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "x_sentry_auth": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Sentry-Auth",
        "description": "`Sentry sentry_key=KEY, sentry_version=7`",
    },
    "sentry_key": {"type": "apiKey", "in": "query", "name": "sentry_key"},
}


class Document:
    """The document as bytes, built at its first use."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._routes = routes
        self._made = b""

    @property
    def body(self) -> bytes:
        if not self._made:
            self._made = msgspec.json.encode(document(self._routes))
        return self._made


def document(routes: Iterable[BaseRoute]) -> Json:
    """The OpenAPI 3.1 document of the routes that are `Described`: others, such as static files, are not part of the
    API. Paths with a trailing slash are left out."""
    components = Components()
    paths: Json = {}
    for route in routes:
        if isinstance(route, Described) and not route.path.endswith("/"):
            paths[route.path_format] = _path(route, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sluice",
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {**components.body, "securitySchemes": _SCHEMES},
    }


def _path(route: Described, components: Components) -> Json:
    item: Json = {}
    if route.param_convertors:
        item["parameters"] = [_in_path(name, convertor.regex) for name, convertor in route.param_convertors.items()]
    for method, describe in route.operations.items():
        item[method.lower()] = operation = describe(components)
        if method == "GET":
            item["head"] = _without_bodies(operation, components)
    return item


def _in_path(name: str, regex: str) -> Json:
    schema = (
        {"type": "string", "pattern": f"^{regex}$"} if regex == Digits.regex else {"type": "string", "minLength": 1}
    )
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _without_bodies(operation: Json, components: Components) -> Json:
    """`HEAD`: the same answers without their bodies."""
    responses: dict[str, Any] = {}
    for status, response in operation["responses"].items():
        name = response.get("$ref", "").rpartition("/")[2]
        whole = components.body["responses"][name] if name else response
        head = {key: value for key, value in whole.items() if key != "content"}
        responses[status] = components.response(f"{name}Head", head) if name else head
    return {**operation, "operationId": f"{operation['operationId']}_head", "responses": responses}
