"""The two routes of source maps (sourcemaps.md, "Uploading", "Removing")."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from gateway.actors import key_actor
from gateway.http.counted import Endpoint, counted
from gateway.openapi import Describe, Described
from gateway.rejections import Unavailable
from gateway.sourcemaps import openapi
from gateway.sourcemaps.refusals import PublicKey, ReleaseNotFound
from gateway.sourcemaps.upload import Uploads
from shared.clients.postgres import PostgresUnavailable
from shared.keys import ResolvedKey
from shared.metrics import Metrics
from shared.sourcemaps.store import Store

UPLOAD, REMOVAL = "/ingest/sourcemaps", "/ingest/sourcemaps/{release:path}"

Authenticate = Callable[[Request], Awaitable[ResolvedKey]]
"""The key of a request, which has the ingest scope. Raises `Rejection`."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SourcemapDeps:
    uploads: Uploads
    store: Store
    authenticate: Authenticate
    metrics: Metrics


def routes(deps: SourcemapDeps) -> list[Described]:
    """The routes, each with and without a trailing slash. They raise `Rejection`; `build_app` answers it."""

    async def upload(request: Request) -> Response:
        key = await deps.authenticate(request)
        taken = await deps.uploads.take(request, key)
        return _answer(taken.release, len(taken.files))

    async def remove(request: Request) -> Response:
        key = await deps.authenticate(request)
        if key.is_public:
            raise PublicKey
        release = request.path_params["release"]
        try:
            by = key_actor(key, request)
            count = await deps.store.remove(key.project_id, release, by) if "\0" not in release else 0
        except PostgresUnavailable as error:
            _log.warning("a release of source maps can't be removed", error=str(error))
            raise Unavailable from error
        if not count:
            raise ReleaseNotFound
        return _answer(release, count)

    pages: dict[str, tuple[Endpoint, str, Describe]] = {
        UPLOAD: (upload, "POST", openapi.upload),
        REMOVAL: (remove, "DELETE", openapi.remove),
    }
    return [
        Described(path + slash, counted(deps.metrics, _route(path), "accepted", endpoint), {method: describe})
        for slash in ("/", "")  # a release may hold slashes: the last one is tried as the path's first
        for path, (endpoint, method, describe) in pages.items()
    ]


def _route(path: str) -> str:
    """The path as metrics name it."""
    return path.replace(":path", "")


def _answer(release: str, count: int) -> Response:
    body = msgspec.json.encode({"ok": True, "release": release, "count": count})
    return Response(body, media_type="application/json")
