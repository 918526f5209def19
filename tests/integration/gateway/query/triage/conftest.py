"""A fresh Postgres with two projects."""

from collections.abc import AsyncIterator

import pytest

from shared.clients.postgres import Postgres, connect
from shared.error_states import States
from shared.projects import Project, create_project


@pytest.fixture
async def postgres(migrated_postgres: str) -> AsyncIterator[Postgres]:
    with connect(migrated_postgres) as db:
        for name in "pq":
            create_project(db, Project(id=name, name=name))
    made = Postgres(migrated_postgres)
    yield made
    await made.close()


@pytest.fixture
def states(postgres: Postgres) -> States:
    return States(postgres)
