"""A fresh Postgres with two projects."""

from collections.abc import AsyncIterator

import pytest

from shared.clients.postgres import Postgres, connect, locked
from shared.error_states import States
from shared.migrations.postgres import migrate_postgres
from shared.projects import Project, create_project


@pytest.fixture
async def postgres(postgres_database: str) -> AsyncIterator[Postgres]:
    async with locked(postgres_database, "migrations", wait_s=60) as lock:
        await migrate_postgres(lock)
    with connect(postgres_database) as db:
        for name in "pq":
            create_project(db, Project(id=name, name=name))
    made = Postgres(postgres_database)
    yield made
    await made.close()


@pytest.fixture
def states(postgres: Postgres) -> States:
    return States(postgres)
