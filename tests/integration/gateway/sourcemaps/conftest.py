"""A gateway that takes source maps, and two projects that send them."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from shared.clients.postgres import Postgres, connect
from shared.keys import create_key, generate
from shared.projects import Project, create_project
from shared.settings import Settings
from shared.sourcemaps.blobs import open_blobs
from shared.sourcemaps.index import Index
from shared.sourcemaps.settings import Sourcemaps
from tests.integration.gateways import Gateways
from tests.unit.gateway.sourcemaps.forms import CONTENT_TYPE, upload

ROUTE = "/ingest/sourcemaps"
QUOTA = 200_000


class Sender:
    """A new project with a key, and the store as readers see it."""

    def __init__(self, running: Gateways, **rules: object) -> None:
        self.url = running.environment["SLUICE_POSTGRES_URL"]
        self.project_id = f"p{secrets.token_hex(4)}"
        with connect(self.url) as db:
            create_project(db, Project(id=self.project_id, name="P"))
        self.key = self.another_key(**rules)
        self.client = httpx.AsyncClient(
            base_url=running.url, headers={"Authorization": f"Bearer {self.key}"}, timeout=60
        )
        self.folder = Path(running.environment["SLUICE_SOURCEMAPS_DIR"])
        self.postgres = Postgres(self.url)
        self.index = Index(self.postgres)
        self.blobs = open_blobs(Settings(sourcemaps=Sourcemaps(dir=self.folder)))

    def another_key(self, kind: Literal["dt", "pk"] = "dt", **rules: object) -> str:
        key = generate(kind)
        with connect(self.url) as db:
            create_key(db, self.project_id, key, **{"scopes": ["ingest"], **rules})  # type: ignore[arg-type]
        return key

    async def post(self, body: bytes, **headers: str) -> httpx.Response:
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        content_type = {"content-type": CONTENT_TYPE.decode()}
        return await self.client.post(ROUTE, content=body, headers=content_type | given)

    async def upload(self, release: str, **files: bytes) -> httpx.Response:
        """Files by name, which gets `.js.map` behind it."""
        return await self.post(upload(release, [(f"{name}.js.map", content) for name, content in files.items()]))

    async def delete(self, release: str) -> httpx.Response:
        return await self.client.delete(f"{ROUTE}/{release}")

    async def content(self, release: str, path: str) -> bytes | None:
        """What readers find of a file; None if the index has no such file. A file without its content fails."""
        found = await self.index.find(self.project_id, release, [path])
        if path not in found:
            return None
        content = await self.blobs.get(found[path].digest)
        assert content is not None, f"{path} of {release} has lost its content"
        return content

    def stored(self) -> set[str]:
        """The digests of all contents on the disk, whoever has them."""
        return {file.name for file in self.folder.glob("??/*")}

    async def close(self) -> None:
        """Everything goes, so that the next test finds an empty folder."""
        await self.client.aclose()
        with connect(self.url) as db:
            db.execute("DELETE FROM projects WHERE id = %s", [self.project_id])
        await self.index.collect(await self.index.unused(untouched_s=0), self.blobs.delete)
        await self.postgres.close()


@pytest.fixture(scope="module")
def database(postgres_url: str) -> Iterator[str]:
    """The URL of a database for the tests of one file."""
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def running(database: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateways]:
    made = Gateways(tmp_path_factory.mktemp("gateway"), database, redis_url, SLUICE_SOURCEMAPS_PROJECT_BYTES=str(QUOTA))

    async def start() -> None:
        await made.prepare()
        await made.start()

    asyncio.run(start())
    yield made
    made.stop()


@pytest.fixture
async def shop(running: Gateways) -> AsyncIterator[Sender]:
    made = Sender(running)
    yield made
    await made.close()


@pytest.fixture
async def rival(running: Gateways) -> AsyncIterator[Sender]:
    made = Sender(running)
    yield made
    await made.close()
