"""Counts by hour in real Postgres (storage.md, "Counts by hour")."""

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest

from shared.clients.postgres import Postgres, connect
from shared.hourly_counts import HOUR_US, KEPT_DAYS, HourlyCounts

NOW = 490_000 * HOUR_US


@pytest.fixture
async def postgres(migrated_postgres: str) -> AsyncIterator[Postgres]:
    opened = Postgres(migrated_postgres)
    yield opened
    await opened.close()


async def test_processes_that_add_at_once_wait_for_nobody_for_long_and_lose_nothing(
    postgres: Postgres, migrated_postgres: str
) -> None:
    random = Random(4)
    processes = [HourlyCounts(postgres, lambda: NOW * 1000) for _ in range(6)]
    keys = [(project, signal, reason) for project in "pqr" for signal in ("logs", "errors") for reason in "abcdefgh"]
    for _ in range(8):
        for process in processes:
            for project, signal, reason in random.sample(keys, len(keys)):
                process.add(project, signal, "refused", 1, NOW, reason)
        await asyncio.gather(*(process.flush() for process in processes))
    with connect(migrated_postgres) as db:
        found = db.execute("SELECT project_id, signal, what, n FROM hourly_counts").fetchall()
    assert sorted(found) == sorted((*key, 48) for key in keys)


async def test_counts_of_long_ago_go(postgres: Postgres, migrated_postgres: str) -> None:
    counts = HourlyCounts(postgres, lambda: NOW * 1000)
    for hours in (0, KEPT_DAYS * 24, KEPT_DAYS * 24 + 1):
        counts.add("old", "logs", "accepted", 1, NOW - hours * HOUR_US)
    await counts.flush()
    with connect(migrated_postgres) as db:
        assert db.execute("SELECT count(*) FROM hourly_counts WHERE project_id = 'old'").fetchone() == (2,)
