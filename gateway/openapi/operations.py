"""Describes the routes that every process has: health, metrics, and the document itself."""

from typing import Any, Literal

import msgspec

from gateway.apis.deeptracer import API
from gateway.openapi.answers import EVERYWHERE, REQUEST_ID, refusals
from gateway.openapi.schemas import Components, Json

_TAG = ["operations"]


class Alive(msgspec.Struct, forbid_unknown_fields=True):
    """The process runs."""

    status: Literal["ok"]
    timestamp: str


class Check(msgspec.Struct, forbid_unknown_fields=True):
    """How one neighbour answered."""

    status: Literal["ok", "unavailable"]
    latency_ms: float


class Ready(msgspec.Struct, forbid_unknown_fields=True):
    """Whether requests can be accepted, and how each neighbour answered."""

    status: Literal["ok", "degraded", "unavailable"]
    checks: dict[str, Check]


_ALIVE = Alive("ok", "2026-02-23T00:00:00.000Z")
_OK, _AWAY = Check("ok", 1.2), Check("unavailable", 2000.0)
_DEGRADED = Ready("degraded", {"queue": _OK, "clickhouse": _AWAY, "redis": _OK, "postgres": _OK})
_UNAVAILABLE = Ready("unavailable", {"queue": _AWAY, "clickhouse": _OK, "redis": _OK, "postgres": _OK})


def health(components: Components) -> Json:
    return _page("health", "Whether the process runs", {"200": _like("Alive", _ALIVE, components)}, components)


def ready(components: Components) -> Json:
    return _page(
        "health_ready",
        "Whether requests can be accepted",
        {
            "200": _like(
                "They can; `degraded` if a neighbour that ingest does not need is away", _DEGRADED, components
            ),
            "503": _like("They can't", _UNAVAILABLE, components),
        },
        components,
    )


def metrics(components: Components) -> Json:
    content = {"text/plain": {"schema": {"type": "string"}}}
    return _page("metrics", "Metrics, for Prometheus", {"200": _answer("This process's metrics", content)}, components)


def openapi(components: Components) -> Json:
    content = {"application/json": {"schema": {"type": "object", "required": ["openapi", "info", "paths"]}}}
    return _page("openapi", "This document", {"200": _answer("OpenAPI 3.1", content)}, components)


def _page(name: str, summary: str, answers: Json, components: Components) -> Json:
    refused = refusals(API, EVERYWHERE, components)
    return {"operationId": name, "tags": _TAG, "summary": summary, "security": [], "responses": answers | refused}


def _like(description: str, example: msgspec.Struct, components: Components) -> Json:
    value: Any = msgspec.to_builtins(example)
    schema = components.schema(type(example))
    return _answer(description, {"application/json": {"schema": schema, "examples": {"answer": {"value": value}}}})


def _answer(description: str, content: Json) -> Json:
    return {"description": description, "headers": REQUEST_ID, "content": content}
