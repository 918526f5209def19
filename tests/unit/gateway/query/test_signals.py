"""Every folder of `gateway/query` is a signal that can be read."""

from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

import gateway.query
from gateway.query import Groups, QueryDeps, Reader, query_routes
from shared.clients.postgres import Postgres
from shared.keys import ResolvedKey
from shared.metrics import Metrics

SPANS = """
from starlette.responses import PlainTextResponse

from gateway.openapi import Described


def routes(deps):
    async def spans(request):
        return PlainTextResponse("")

    return [Described("/spans", spans, {"GET": lambda components: {}})]
"""


async def nobody(request: Request, scope: str) -> ResolvedKey:
    raise NotImplementedError


def paths() -> list[str]:
    reader: Any = Reader("clickhouse://127.0.0.1:1/nowhere")
    groups = Groups(Postgres("postgresql://127.0.0.1:1/nowhere"))
    other: Any = None
    made = dict.fromkeys(("states", "views", "audit", "bodies", "delivery"), other)
    deps = QueryDeps(reader, nobody, Metrics(), groups, other, {}, **made)
    return [route.path for route in query_routes(deps)]


def test_logs_and_errors_are_read_at_the_routes_of_their_contract() -> None:
    assert set(paths()) >= {
        "/api/v1/events/{event_id:path}",
        "/api/v1/events/{event_id:path}/",
        "/api/v1/projects/{project_id}/logs",
        "/api/v1/projects/{project_id}/logs/",
        "/api/v1/events/{event_id:path}/logs",
        "/api/v1/events/{event_id:path}/logs/",
    }


def test_a_new_folder_is_enough_to_read_another_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "spans_of_a_test"
    folder.mkdir()
    (folder / "__init__.py").write_text(SPANS)
    before = paths()
    monkeypatch.setattr(gateway.query, "__path__", [*gateway.query.__path__, str(tmp_path)])
    assert set(paths()) == {*before, "/spans"}


def test_a_route_that_takes_any_path_comes_behind_those_below_it() -> None:
    takes_any = [path.rstrip("/").endswith(":path}") for path in paths()]
    assert takes_any == sorted(takes_any)
    assert any(takes_any)
