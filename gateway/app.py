"""The gateway's routes, and the one place that answers what they can't."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from gateway.apis import Apis
from gateway.drains.route import DrainDeps, DrainRoute
from gateway.health import Readiness, alive
from gateway.http.answer_headers import send_answer, standing_headers, with_answer_headers
from gateway.http.browsers import preflight
from gateway.http.headers import HEADERS, unambiguous
from gateway.ingest import IngestDeps, IngestRoute
from gateway.openapi import Describe, Described, Document, operations
from gateway.openapi.document import CACHED_S, PATH
from gateway.openapi.ingest import operations_of
from gateway.rejections import Ambiguous, InternalError, MethodNotAllowed, NotFound, Rejection
from gateway.sentry import SentryRoute
from shared.formats.intake import Intake
from shared.metrics import Metrics
from shared.tracing import Tracer

_encode = msgspec.json.Encoder().encode
_log = structlog.get_logger(__name__)

_SLASHES = re.compile("//+")
_NUMBERED = re.compile(r"/api/\d+(?=/)", re.ASCII)
"""How the paths of Sentry's SDKs begin. The number is not looked at."""
_ANY_NUMBER = "/api/{sentry_project:digits}"

_STORE = re.compile(r"/api(/\d+)?/store/?", re.ASCII)
"""Where browsers of old sent events with `GET`, in the address: that is no route."""

_GLUED = 8
"""Runs of slashes in a path that are looked at one by one."""


Step = Callable[[], Awaitable[None]]


@dataclass
class Life:
    """The steps before a process serves (they raise `BadSetting` if it must not), when it starts, and when it stops."""

    check: list[Step] = field(default_factory=list)
    start: list[Step] = field(default_factory=list)
    stop: list[Step] = field(default_factory=list)
    give_up: list[Callable[[], None]] = field(default_factory=list)

    def end_waits(self) -> None:
        """Before requests in flight are finished: none of them waits for the rest of its body any more."""
        for give_up in self.give_up:
            give_up()


@dataclass(frozen=True)
class Deps:
    """The parts of the application. A process has one role or both; without `ingest` it accepts no records."""

    metrics: Metrics
    apis: Apis
    request_ids: Iterator[bytes]
    readiness: Readiness
    ingest: IngestDeps | None
    drain: DrainDeps
    sourcemap_routes: Sequence[BaseRoute]
    query_routes: Sequence[BaseRoute]
    life: Life
    tracer: Tracer | None = None
    has_admin_port: bool = False
    """Whether /metrics and /health/ready are asked for on a port of their own, and not served to the public."""


OF_OPERATORS = frozenset({"", "/health/ready", "/metrics", "/login", "/logout", "/login/link"})
OF_VISITORS = ("/p/", "/static/")
"""Pages that no other site's script may read: exactly these, and all below those
(contracts.md, "CORS and origins")."""


class Dispatch:
    """Sends ingest requests straight to their route by a dict lookup, and everything else through Starlette.

    Starlette's middleware and its route-by-route matching cost a one-log request a tenth of its time.
    """

    def __init__(
        self, ingest: Mapping[str, IngestRoute], rest: Starlette, request_ids: Iterator[bytes], apis: Apis
    ) -> None:
        self._ingest = ingest
        self._request_ids = request_ids
        self._apis = apis
        self.rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.rest(scope, receive, send)
            return
        try:
            scope[HEADERS] = unambiguous(scope["headers"])
        except Ambiguous as refusal:
            await self._refuse(scope, send, refusal)
            return
        if "//" in scope["path"]:
            scope["path"] = self._served(scope)
        route = self.route_of(scope["path"]) if scope["method"] == "POST" else None
        if route is not None:
            await route(scope, receive, send)
        else:
            private = scope["path"].rstrip("/") in OF_OPERATORS or scope["path"].startswith(OF_VISITORS)
            await self.rest(scope, receive, with_answer_headers(scope, send, self._request_ids, private=private))

    def route_of(self, path: str) -> IngestRoute | None:
        route = self._ingest.get(path)
        if route is None and path.startswith("/api/"):
            return self._ingest.get(_NUMBERED.sub(_ANY_NUMBER, path, count=1))
        return route

    def _served(self, scope: Scope) -> str:
        """The path with runs of slashes as one slash, because clients glue base and path. From the left, and no further
        than a route needs it: an event's id may have such a run of its own."""
        path: str = scope["path"]
        for _ in range(_GLUED):
            if self._has_route({**scope, "path": path}) or "//" not in path:
                return path
            path = _SLASHES.sub("/", path, count=1)
        return _SLASHES.sub("/", path)

    def _has_route(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] is not Match.NONE for route in self.rest.routes)

    async def _refuse(self, scope: Scope, send: Send, refusal: Rejection) -> None:
        api = self._apis.of_path(scope["path"])
        headers = [(b"content-type", api.media_type.encode()), *standing_headers(self._request_ids, None)]
        await send_answer(scope, send, api.answer(refusal), headers)


def build_app(deps: Deps) -> Dispatch:
    """The ASGI application."""
    ingest = ingest_routes(deps.ingest, deps.drain) if deps.ingest else {}
    routes: list[BaseRoute] = [
        *(Described(path, route, operations_of(route, path)) for path, route in ingest.items()),
        *_operations(deps),
        *deps.sourcemap_routes,
        *deps.query_routes,
    ]
    document = Document(routes)
    routes += _description(document)
    rest = Starlette(routes=routes, exception_handlers=_answers(deps.apis), lifespan=_lifespan(deps.life, document))
    rest.router.redirect_slashes = False
    plain = {path: route for path, route in ingest.items() if "{" not in path.removeprefix(_ANY_NUMBER)}
    return Dispatch(plain, rest, deps.request_ids, deps.apis)


def ingest_routes(deps: IngestDeps, drain: DrainDeps) -> dict[str, IngestRoute]:
    """Path -> route of each intake, with and without a trailing slash."""

    def route(intake: Intake) -> IngestRoute:
        if intake.kind == "drain":
            return DrainRoute(intake, deps, drain)
        return SentryRoute(intake, deps) if intake.kind == "sentry" else IngestRoute(intake, deps)

    made = map(route, deps.registry.intakes)
    return {path + slash: route for route in made for path in route.intake.routes for slash in ("", "/")}


def _operations(deps: Deps) -> list[Described]:
    async def health(request: Request) -> Response:
        return _json(200, alive())

    async def ready(request: Request) -> Response:
        return _json(*await deps.readiness.ask())

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(deps.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    lives = _page("/health", health, operations.health)
    if deps.has_admin_port:
        return lives
    return [
        *lives,
        *_page("/health/ready", ready, operations.ready),
        *_page("/metrics", metrics, operations.metrics),
    ]


def _description(document: Document) -> list[Described]:
    async def openapi(request: Request) -> Response:
        headers = {"Cache-Control": f"public, max-age={CACHED_S}"}
        return Response(document.body, headers=headers, media_type="application/json")

    return _page(PATH, openapi, operations.openapi)


def _page(path: str, endpoint: Callable[[Request], Awaitable[Response]], describe: Describe) -> list[Described]:
    return [Described(path + slash, endpoint, {"GET": describe}) for slash in ("", "/")]


def _json(status: int, body: object) -> Response:
    return Response(_encode(body), status, media_type="application/json")


def _answers(apis: Apis) -> dict[Any, Callable[[Request, Exception], Awaitable[Response]]]:
    """Exception that a route raised -> handler that answers it in the words of the path's API."""

    def answered(request: Request, rejection: Rejection) -> Response:
        api = apis.of_path(request.url.path)
        answer = api.answer(rejection)
        response = Response(answer.body, answer.status, media_type=api.media_type)
        response.raw_headers += answer.headers
        return response

    async def rejected(request: Request, error: Exception) -> Response:
        assert isinstance(error, Rejection)
        return answered(request, error)

    async def http_error(request: Request, error: Exception) -> Response:
        """Starlette's own errors: no such path, no such method. Preflights land here, as no route has `OPTIONS`."""
        assert isinstance(error, HTTPException)
        if error.status_code == 405:
            allow = (error.headers or {}).get("Allow", "")
            if request.method == "OPTIONS":
                return Response(status_code=204, headers=preflight(allow, _asked(request)))
            if request.method in ("GET", "HEAD") and _STORE.fullmatch(request.url.path):
                return answered(request, NotFound())
            return answered(request, MethodNotAllowed(allow))
        return answered(request, NotFound() if error.status_code == 404 else InternalError())

    async def crashed(request: Request, error: Exception) -> Response:
        """A bug of ours: the log gets the traceback, the client doesn't."""
        _log.error("unexpected error", path=request.url.path, exc_info=error)
        return answered(request, InternalError())

    return {HTTPException: http_error, Rejection: rejected, Exception: crashed}


def _asked(request: Request) -> str | None:
    """The headers that the preflight of an ingest route asks for; None for the preflight of any other route."""
    if not isinstance(request.scope.get("endpoint"), IngestRoute):
        return None
    return ",".join(request.headers.getlist("access-control-request-headers"))


def _lifespan(life: Life, document: Document) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        _ = document.body  # tens of milliseconds, for which no request should hold the others
        for start in life.start:
            await start()
        yield
        for stop in life.stop:
            await stop()

    return lifespan
