"""Runs of slashes in paths (contracts.md, "Paths")."""

import itertools
import time

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway import apis
from gateway.app import Dispatch


async def echo(request: Request) -> Response:
    return PlainTextResponse(request.path_params.get("event_id", "") or request.url.path)


ROUTES = [Route("/api/v1/events/{event_id:path}/logs", echo), Route("/api/v1/logs", echo), Route("/health", echo)]


async def get(path: str) -> tuple[int, str]:
    ids = (b"%d" % n for n in itertools.count())
    app = Dispatch({}, Starlette(routes=ROUTES), ids, apis.load())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        answer = await client.get("http://gateway" + path)
    return answer.status_code, answer.text


@pytest.mark.parametrize(
    ("path", "event_id"),
    [
        ("/api/v1/events/a//b/logs", "a//b"),
        ("/api/v1/events//a/logs", "/a"),
        ("/api//v1/events/a//b/logs", "a//b"),
        ("//api/v1///events/a//b///c/logs", "a//b///c"),
        ("/api/v1/events/a/logs", "a"),
    ],
)
async def test_an_events_id_keeps_its_own_slashes(path: str, event_id: str) -> None:
    assert await get(path) == (200, event_id)


@pytest.mark.parametrize("path", ["//api/v1/logs", "/api//v1/logs", "/api/v1//logs", "///api///v1///logs"])
async def test_a_run_of_slashes_is_one(path: str) -> None:
    assert await get(path) == (200, "/api/v1/logs")


async def test_a_path_without_a_route_stays_without_one_however_many_slashes_it_has() -> None:
    began = time.process_time()
    assert (await get("/api" + "//x" * 10_000))[0] == 404
    assert (await get("/" * 50_000 + "health"))[0] == 200
    assert time.process_time() - began < 2
