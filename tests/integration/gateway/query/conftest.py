"""A module's own tables in ClickHouse, empty for each test, and the query API on them."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from gateway.query import Reader
from shared import settings
from shared.clients.postgres import Postgres, connect
from shared.projects import Project, create_project
from shared.queue import open_queue
from shared.queue.base import Queue
from tests.integration.gateway.gateway_process import make_topics
from tests.integration.gateway.query.explaining import Explaining
from tests.integration.gateway.query.read_api import Store, client, temporary_store


@pytest.fixture(scope="module")
def tables(clickhouse_url: str) -> Iterator[Store]:
    with temporary_store(clickhouse_url) as made:
        yield made


@pytest.fixture(scope="module")
def queue_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An empty queue that a module shares."""
    url = f"sqlite:///{tmp_path_factory.mktemp('queue')}/queue.db"
    asyncio.run(make_topics(url))
    return url


@pytest.fixture
async def queue(queue_url: str) -> AsyncIterator[Queue]:
    opened = open_queue(settings.load({"SLUICE_QUEUE_URL": queue_url}))
    yield opened
    await opened.close()


@pytest.fixture
async def postgres(migrated_postgres: str) -> AsyncIterator[Postgres]:
    """With the projects p and q."""
    with connect(migrated_postgres) as db:
        for name in "pq":
            create_project(db, Project(id=name, name=name))
    made = Postgres(migrated_postgres)
    yield made
    await made.close()


@pytest.fixture
def store(tables: Store) -> Store:
    return tables.empty()


@pytest.fixture
async def explaining(store: Store) -> AsyncIterator[Explaining]:
    reader = Explaining(store.url)
    yield reader
    await reader.close()


@pytest.fixture
async def api(store: Store) -> AsyncIterator[httpx.AsyncClient]:
    reader = Reader(store.url)
    async with client(reader) as http:
        yield http
    await reader.close()
