"""Two projects in a fresh Postgres, an empty queue, and a receiver."""

from collections.abc import AsyncIterator

import pytest

from gateway.query.observing import observation
from shared import settings
from shared.clients.postgres import Postgres, connect
from shared.projects import Project, create_project
from shared.queue import open_queue
from shared.queue.base import Queue
from tests.integration.gateway.query.alerts.bench import Bench
from tests.integration.gateway.query.alerts.receiver import Receiver
from tests.integration.gateway.query.read_api import Store


@pytest.fixture
async def postgres(migrated_postgres: str) -> AsyncIterator[Postgres]:
    with connect(migrated_postgres) as db:
        for name in "pq":
            create_project(db, Project(id=name, name=name))
    made = Postgres(migrated_postgres)
    yield made
    await made.close()


@pytest.fixture
async def queue(queue_url: str) -> AsyncIterator[Queue]:
    opened = open_queue(settings.load({"SLUICE_QUEUE_URL": queue_url}))
    yield opened
    await opened.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as made:
        yield made


@pytest.fixture
async def bench(
    postgres: Postgres,
    migrated_postgres: str,
    store: Store,
    queue: Queue,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Bench]:
    monkeypatch.setattr(observation, "EVERY_S", 0.0)
    for name in ("lanes", "letters"):
        monkeypatch.setattr(f"gateway.query.observing.{name}.WAIT_S", 30.0)
    made = Bench(migrated_postgres, postgres, store, queue, receiver)
    yield made
    await made.close()
