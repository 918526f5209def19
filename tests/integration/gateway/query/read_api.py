"""The read API without the rest of the gateway, over tables with a few rows."""

import asyncio
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.apis.proliferate import API
from gateway.auth import permit
from gateway.http.deadlines import Deadlines
from gateway.http.headers import HEADERS, unambiguous
from gateway.mapping.mapper import Mapper, StoredMapper
from gateway.query import Groups, QueryDeps, Reader, query_routes
from gateway.query.deps import AskComplete, unknown
from gateway.query.groups import Grouping
from gateway.query.json_body import small_bodies
from gateway.query.observing.delivery import Delivery
from gateway.rejections import Rejection, Unauthenticated
from shared.audit_log import AuditLog
from shared.clients.clickhouse import ClickHouse
from shared.clients.postgres import Postgres
from shared.error_states import State, StateChange, States
from shared.group_merges import Merges
from shared.keys import ResolvedKey
from shared.metrics import Metrics
from shared.migrations.clickhouse import migrate_clickhouse
from shared.registry import load
from shared.settings import Storage
from shared.signals.base import Table
from shared.signals.errors import SIGNAL as ERRORS
from shared.signals.llm import SIGNAL as LLM
from shared.signals.logs import LOGS
from shared.signals.traces import SIGNAL as TRACES
from shared.views import Views
from tests.blocks import block_of
from tests.bundles import MemoryBlobs, MemoryIndex

DAY = 86_400_000_000
NO_POSTGRES = "postgresql://nobody@127.0.0.1:1/none"
NOON = 1_768_478_400_000_000
"""2026-01-15T12:00:00Z, microseconds."""

TABLES = [LOGS, ERRORS.table, TRACES.table, LLM.table]

KEYS = {
    "reader": ResolvedKey(key_id="k1", project_id="p", scopes=frozenset({"read"})),
    "sender": ResolvedKey(key_id="k2", project_id="p", scopes=frozenset({"ingest"})),
    "triager": ResolvedKey(key_id="k4", project_id="p", scopes=frozenset({"read", "triage"})),
    "stranger": ResolvedKey(key_id="k3", project_id="q", scopes=frozenset({"read"})),
}


TABLES = (LOGS, ERRORS.table, TRACES.table, LLM.table)


@contextmanager
def temporary_store(clickhouse_url: str) -> Iterator["Store"]:
    """A store in a fresh database. A file of tests shares one and empties it, which is quicker."""
    name = f"test_{secrets.token_hex(6)}"
    with Store(urlsplit(clickhouse_url)._replace(path=f"/{name}").geturl()) as store:
        yield store
        store.clickhouse.query(f"DROP DATABASE {name} SYNC")


class Store:
    """The tables that the read API reads. Use it in a `with`."""

    def __init__(self, url: str) -> None:
        migrate_clickhouse(url, TABLES, Storage(), fsync=False, allow_destructive=False)
        self.url = url
        self.clickhouse = ClickHouse(url)
        self._rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clickhouse.close()

    def empty(self) -> Self:
        for table in TABLES:
            self.clickhouse.query(f"TRUNCATE TABLE {table.name}")
        return self

    def add_logs(self, *rows: Mapping[str, Any]) -> None:
        self.add(LOGS, rows)

    def add_errors(self, *rows: Mapping[str, Any]) -> None:
        self.add(ERRORS.table, rows)

    def add_spans(self, *rows: Mapping[str, Any]) -> None:
        self.add(TRACES.table, rows)

    def add_calls(self, *rows: Mapping[str, Any]) -> None:
        self.add(LLM.table, rows)

    def columns(self, table: str) -> list[str]:
        return [column for each in TABLES if each.name == table for column in each.column_names]

    def add(self, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
        """Insert rows, given as dicts. Missing values get the column's default, a fresh place and a time of arrival."""
        complete = []
        for row in rows:
            self._rows += 1
            usual = {column.name: column.default for column in table.columns}
            usual |= {"project_id": "p", "retention_days": 3650, "timestamp": NOON, "level": "info", "message": "m"}
            usual |= {"_topic": table.name, "_offset": self._rows, "received_at": row.get("timestamp", NOON)}
            complete.append({name: value for name, value in (usual | row).items() if name in table.column_names})
        columns = {name: [row[name] for row in complete] for name in table.column_names}
        self.clickhouse.insert(f"`{self.clickhouse.database}`.{table.name}", block_of(table, columns).columns)


async def stand_in(request: Request, scope: str) -> ResolvedKey:
    """Stands for the gateway's authentication."""
    key = KEYS.get(request.headers.get("x-api-key", ""))
    if key is None:
        raise Unauthenticated
    permit(key, scope)
    return key


class Merged(Groups):
    """The same merges in every project: fingerprint -> the one that it was merged into."""

    def __init__(self, made: Mapping[str, str]) -> None:
        super().__init__(Postgres(NO_POSTGRES))
        self.grouping = Grouping(Merges(made))

    async def of(self, project_id: str) -> Grouping:
        return self.grouping


class Said(States):
    """What people have said of groups, where there is no Postgres: fingerprint -> state."""

    def __init__(self, states: Mapping[str, State]) -> None:
        super().__init__(Postgres(NO_POSTGRES))
        self._said = states

    async def find(self, project_id: str, fingerprints: Sequence[str]) -> dict[str, State]:
        return {each: self._said[each] for each in fingerprints if each in self._said}

    async def with_status(self, project_id: str, *statuses: str) -> list[str]:
        return [each for each, state in self._said.items() if state.status in statuses]

    async def history(self, project_id: str, fingerprint: str) -> list[StateChange]:
        return []


def client(
    reader: Reader,
    key: str = "reader",
    mapper: Mapper | None = None,
    groups: Groups | None = None,
    complete: AskComplete = unknown,
    merged: Mapping[str, str] | None = None,
    states: States | None = None,
    delivery: Delivery | None = None,
    search_index: str = "none",
) -> httpx.AsyncClient:
    """An HTTP client of the read API that sends this key. Without a mapper no maps are stored; `merged` are the groups
    where there are no others."""

    async def rejected(request: Request, error: Exception) -> Response:
        assert isinstance(error, Rejection)
        answer = API.answer(error)
        response = Response(answer.body, answer.status, media_type=API.media_type)
        response.raw_headers += answer.headers
        return response

    if mapper is None:
        blobs = MemoryBlobs()
        mapper = StoredMapper(MemoryIndex(blobs), blobs)  # type: ignore[arg-type]
    groups = groups or Merged(merged or {})
    deps = QueryDeps(
        *(reader, stand_in, Metrics(), groups, mapper, load().stores),
        states=states or Said({}),
        views=Views(Postgres(NO_POSTGRES)),
        audit=AuditLog(Postgres(NO_POSTGRES)),
        bodies=small_bodies(Deadlines(60)),
        delivery=delivery,  # type: ignore[arg-type]  # only where it is asked for
        complete=complete,
        search_index=search_index,
    )
    app = Starlette(routes=query_routes(deps), exception_handlers={Rejection: rejected})
    app.router.redirect_slashes = False
    headers = {"x-api-key": key} if key else {}

    async def with_headers(scope: Scope, receive: Receive, send: Send) -> None:
        scope[HEADERS] = unambiguous(scope["headers"])
        await app(scope, receive, send)

    return httpx.AsyncClient(transport=httpx.ASGITransport(with_headers), base_url="http://sluice", headers=headers)


class Asker:
    """The read API for tests without an event loop of their own. Use it in a `with`."""

    def __init__(
        self,
        store: Store,
        key: str = "reader",
        merged: Mapping[str, str] | None = None,
        said: Mapping[str, State] | None = None,
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._reader = Reader(store.url)
        self._http = client(self._reader, key, merged=merged, states=Said(said or {}))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(self._http.aclose())
        self._loop.run_until_complete(self._reader.close())
        self._loop.close()

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self._loop.run_until_complete(self._http.get(path, params=params or None))

    def found(self, path: str, **params: Any) -> Any:
        """The JSON of an answer that must be 200."""
        answer = self.get(path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """The JSON of a page and of all that follow it."""
        answer = self.get(path, **params)
        while True:
            assert answer.status_code == 200, answer.text
            yield answer.json()
            if "next" not in answer.links:
                return
            answer = self.get(answer.links["next"]["url"])
