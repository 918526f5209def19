"""Thousands of unknown keys and projects at once, against a real Postgres: those that are good don't wait for them."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, LiteralString

import pytest

from gateway import auth
from gateway.assembly import lookup_in
from gateway.auth import KeyCache
from gateway.drains.handshake import VerifyCodes
from gateway.rejections import Unauthenticated
from shared.clients.postgres import Parameters, Postgres, connect
from shared.keys import ResolvedKey, create_key, generate
from shared.metrics import Metrics
from shared.projects import Project, create_project, find_drain_verify
from tests.integration.gateway.gateway_process import Keys

FLOOD = 2_000
GOOD = 20


class Counting(Postgres):
    """Counts its statements."""

    asked = 0

    async def query(self, statement: LiteralString, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        self.asked += 1
        return await super().query(statement, parameters)


@pytest.fixture
async def postgres(keys: Keys, keys_url: str) -> AsyncIterator[Counting]:
    made = Counting(keys_url, timeout_s=60.0)
    yield made
    await made.close()


@pytest.fixture
def cache(postgres: Counting) -> KeyCache:
    return KeyCache(lookup_in(postgres, Metrics()), fresh_s=30.0, stale_s=60.0)


def made(url: str, n: int) -> list[str]:
    """Keys that no cache has seen, each of a project of its own with a code for its drains."""
    tokens = [generate("dt") for _ in range(n)]
    with connect(url) as db:
        for at, token in enumerate(tokens):
            create_project(db, Project(id=f"flooded-{at}", name="F", drain_verify=f"code-{at}"))
            create_key(db, f"flooded-{at}", token, scopes=["ingest"])
    return tokens


async def test_first_seen_keys_amid_a_flood_of_unknown_ones_take_a_few_statements(
    postgres: Counting, cache: KeyCache, keys_url: str
) -> None:
    good = made(keys_url, GOOD)
    # A good one amid each hundred unknown ones, and the last one of all.
    tokens = [good[at // 100] if at % 100 == 99 else f"dt_{at}" for at in range(FLOOD)]
    found = await asyncio.gather(*map(cache.resolve, tokens), return_exceptions=True)
    resolved = [each for each in found if isinstance(each, ResolvedKey)]
    assert [each.project_id for each in resolved] == [f"flooded-{at}" for at in range(GOOD)]
    assert sum(isinstance(each, Unauthenticated) for each in found) == FLOOD - GOOD
    assert postgres.asked <= 4


async def test_a_flood_without_an_end_keeps_no_memory(
    cache: KeyCache, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "_UNKNOWN_KEPT", 1_500)
    assert (await cache.resolve(keys.ingest)).project_id == "p"
    for wave in range(3):
        flood = (cache.resolve(f"dt_{wave}_{at}") for at in range(FLOOD))
        await asyncio.gather(*flood, return_exceptions=True)
    assert len(cache._unknown) <= 1_500
    assert (len(cache._asking), len(cache._known)) == (0, 1)


async def test_a_drains_handshake_amid_a_flood_of_unknown_projects_takes_a_few_statements(
    postgres: Counting, keys_url: str
) -> None:
    made(keys_url, 1)
    codes = VerifyCodes(partial(find_drain_verify, postgres))
    odd = ["\0", "\ud800", "'; DROP TABLE projects; --", "%s", "{", ""]
    flood = [codes.of(each) for each in (*odd, *(f"none-{at}" for at in range(FLOOD)))]
    found = await asyncio.gather(*flood, codes.of("flooded-0"))
    assert found == [None] * (FLOOD + len(odd)) + ["code-0"]
    assert postgres.asked <= 4
