"""A browser without scripts: it keeps cookies, follows links, sends forms."""

import re
import secrets
from collections.abc import Mapping
from functools import partial
from html import unescape
from typing import Any

import httpx
from starlette.applications import Starlette

from gateway.http.answer import Headers
from gateway.http.deadlines import Deadlines
from gateway.mapping.mapper import StoredMapper
from gateway.query import QueryDeps, Reader, query_routes
from gateway.query.alerting import AlertDeps
from gateway.query.as_of import as_of
from gateway.query.complete import Complete
from gateway.query.counting import Counting
from gateway.query.deps import AskComplete
from gateway.query.json_body import small_bodies
from gateway.query.observing.delivery import Delivery
from gateway.query.people import Attempts, People, Sessions
from gateway.query.people.sign_on import SignOn
from gateway.query.sending import Sender
from gateway.query.sending.address import Allowed
from gateway.query.settings import SettingsDeps, UsualLimits
from gateway.rejections import Unauthenticated
from shared.alerts.deliveries import Deliveries
from shared.alerts.rules import Rules
from shared.audit_log import AuditLog
from shared.clients.postgres import Postgres
from shared.clients.redis import Redis
from shared.error_states import States
from shared.keys import REVOCATIONS, ResolvedKey, find_key, hash_key
from shared.metrics import Metrics
from shared.project_drain import ProjectDrain
from shared.project_keys import ProjectKeys
from shared.queue.base import Lane
from shared.queue.lane_state import LaneState
from shared.registry import load
from shared.sourcemaps.index import Index
from shared.views import Views
from tests.bundles import MemoryBlobs, MemoryIndex
from tests.integration.gateway.query.read_api import Merged, stand_in

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


class Strangers:
    """Addresses that no other test has tried to log in from."""

    def __init__(self) -> None:
        self._network = secrets.token_hex(4)
        self._n = 0

    def next(self) -> str:
        self._n += 1
        return f"fd00:{self._network[:4]}:{self._network[4:]}:{self._n:x}::1"


class Watermark:
    """How far what is stored is complete, as a test says; unknown before."""

    def __init__(self) -> None:
        self._now = Complete(reason="nobody said so")

    def commit(self, moment: int, end: int) -> None:
        """All before this time (microseconds) is stored: the offsets below `end` of one partition."""
        lanes = {Lane("logs", 0): LaneState(0, end, end)}
        self._now = Complete(moment, as_of(moment, {Lane("logs", 0): end}), lanes=lanes)

    async def ask(self, table: str) -> Complete:
        return self._now


class Browser:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.cookies = client.cookies

    async def get(self, path: str, **headers: str) -> httpx.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.get(path, headers=given)

    async def shown(self, path: str, **headers: str) -> str:
        """The HTML of a page that must be there."""
        answer = await self.get(path, **headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def send(self, path: str, fields: Mapping[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
        return await self.client.post(path, data=fields, headers=SAME_ORIGIN if headers is None else headers)

    async def log_in(self, next: str = "", **fields: str) -> httpx.Response:
        """Fill in the log-in: `name` and `password`, `key`, or `link`."""
        token = token_in((await self.get("/login")).text)
        return await self.send("/login", {"form_token": token, "next": next, **fields})


def token_in(html: str) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', html)
    assert found is not None
    return found[1]


def links_in(html: str) -> list[str]:
    return [unescape(href) for href in re.findall(r'href="([^"]*)"', html)]


def pages_app(
    reader: Reader,
    postgres: Postgres,
    redis: Redis,
    delivery: Delivery,
    complete: AskComplete,
    sign_on: SignOn | None = None,
) -> Starlette:
    """The routes of the role query, the pages with them."""

    async def resolve(token: str) -> ResolvedKey:
        key = await find_key(postgres, hash_key(token))
        if key is None:
            raise Unauthenticated
        return key

    async def count(whose: str, headers: Headers) -> None:
        return None

    blobs = MemoryBlobs()
    mapper: Any = StoredMapper(MemoryIndex(blobs), blobs)  # type: ignore[arg-type]
    usual = UsualLimits(5_000, 600, 1_000_000, 20_000)
    people = People(Sessions(postgres), Attempts(redis), resolve, count, sign_on)
    deps = QueryDeps(
        *(reader, stand_in, Metrics(), Merged({}), mapper, load().stores),
        states=States(postgres),
        views=Views(postgres),
        audit=AuditLog(postgres),
        bodies=small_bodies(Deadlines(60)),
        delivery=delivery,
        complete=complete,
        counting=Counting(postgres, redis, usual, load().stored_as),
        people=people,
        settings=SettingsDeps(
            keys=ProjectKeys(postgres, partial(redis.publish, REVOCATIONS)),
            drain=ProjectDrain(postgres, partial(redis.publish, REVOCATIONS)),
            postgres=postgres,
            sourcemaps=Index(postgres),
            usual=usual,
        ),
        alerts=AlertDeps(Rules(postgres), Deliveries(postgres), Sender(Allowed(), timeout_s=5)),
    )
    app = Starlette(routes=query_routes(deps))
    app.router.redirect_slashes = False
    return app
