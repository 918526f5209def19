"""A bug of ours is answered like everything else: 500 in the API's words, with a request id, readable by browsers."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.app import Deps, build_app
from gateway.assembly import assemble
from gateway.auth import KeyCache
from shared.keys import ResolvedKey
from shared.settings import load


async def crash(request: Request) -> Response:
    raise RuntimeError("a bug")


async def crashing_lookup(digest: str) -> ResolvedKey | None:
    raise RuntimeError("a bug")


@pytest.fixture
async def deps() -> AsyncIterator[Deps]:
    made = assemble(load({"SLUICE_QUEUE_URL": "sqlite:///never-opened.db"}))
    yield made
    for stop in made.life.stop:
        await stop()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/ingest/logs", {"error": "Internal error"}),
        ("POST", "/api/v1/logs/batch", {"detail": "Internal error"}),
        ("GET", "/api/v1/crash", {"detail": "Internal error"}),
        ("GET", "/crash", {"error": "Internal error"}),
    ],
)
async def test_500_has_the_apis_body_a_request_id_and_the_headers_for_browsers(
    deps: Deps, method: str, path: str, body: object
) -> None:
    keys = KeyCache(crashing_lookup, fresh_s=1, stale_s=1)
    routes = [Route("/crash", crash), Route("/api/v1/crash", crash)]
    assert deps.ingest is not None
    app = build_app(replace(deps, ingest=replace(deps.ingest, keys=keys), query_routes=routes))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        answer = await client.request(method, path, headers={"Origin": "https://a.example", "X-API-Key": "k"})
    assert (answer.status_code, answer.json()) == (500, body)
    assert answer.headers["x-request-id"]
    assert answer.headers["access-control-allow-origin"] == "https://a.example"
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
