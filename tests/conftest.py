"""Real services for the tests: each starts at its first use, and the session shares it. Names are fresh for each test.

A test that harms an engine starts its own: `own_clickhouse`, `own_postgres`, `own_redis`, `own_kafka`.
"""

import asyncio
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, settings

from deploy.bench.reading.shown import NAMES
from deploy.bench.reading.shown import chromium as chromium_path
from deploy.local.clickhouse import ClickHouse
from deploy.local.engine import Engine, Unavailable
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.valkey import Valkey
from tests import npm
from tests.services import CHROMIUM, NODE, REQUIRE, SERVICES, required

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# How long an example takes says more about the machine's other work than about the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_report_header() -> list[str]:
    return ["services: " + ", ".join(service.describe() for service in SERVICES.values())]


def pytest_configure() -> None:
    os.environ.pop("COLUMNS", None)  # some runners set it, and tables would be cut to it
    # Where this is set, each of a thousand processes compiles all of Sluice again: half of what its start costs.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # A Kafka of the tests lives for seconds: what its start costs counts, not what it does in an hour.
    os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    try:
        required()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.fixture(scope="session")
def engines_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sluice-tests-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _shared(name: str, folder: Path) -> Iterator[str]:
    with ExitStack() as stack:
        try:
            url = stack.enter_context(SERVICES[name].url(folder))
        except Unavailable as error:
            absent(name, error)
        yield url


def absent(name: str, error: Unavailable) -> NoReturn:
    """Skip, or fail where this is required."""
    if name in required():
        pytest.fail(f"{REQUIRE} wants {name}: {error}", pytrace=False)
    pytest.skip(f"{name}: {error}")


@pytest.fixture(scope="session")
def clickhouse_url(engines_folder: Path) -> Iterator[str]:
    """clickhouse://user:password@host:port/database, for a user with all rights."""
    yield from _shared("clickhouse", engines_folder)


@pytest.fixture(scope="session")
def postgres_url(engines_folder: Path) -> Iterator[str]:
    """postgresql://user:password@host:port/database, for a superuser."""
    yield from _shared("postgres", engines_folder)


@pytest.fixture(scope="session")
def redis_url(engines_folder: Path) -> Iterator[str]:
    """redis://host:port/0."""
    yield from _shared("redis", engines_folder)


@pytest.fixture(scope="session")
def kafka_url(engines_folder: Path) -> Iterator[str]:
    """kafka://host:port."""
    yield from _shared("kafka", engines_folder)


@pytest.fixture
def clickhouse_database(clickhouse_url: str) -> Iterator[str]:
    """The name of a fresh, empty database on `clickhouse_url`."""
    from clickhouse_driver import Client

    name = f"test_{secrets.token_hex(6)}"
    client = Client.from_url(clickhouse_url)
    client.execute(f"CREATE DATABASE {name}")
    yield name
    client.execute(f"DROP DATABASE IF EXISTS {name} SYNC")
    client.disconnect()


@pytest.fixture
def clickhouse_database_url(clickhouse_url: str, clickhouse_database: str) -> str:
    """`clickhouse_url` with a fresh database in it."""
    return urlsplit(clickhouse_url)._replace(path=f"/{clickhouse_database}").geturl()


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """The URL of a fresh, empty database."""
    yield from _database(postgres_url)


@pytest.fixture(scope="session")
def _migrated_template(postgres_url: str) -> Iterator[str]:
    """The name of a database with all tables, to be copied."""
    from shared.clients.postgres import locked
    from shared.migrations.postgres import migrate_postgres

    async def migrate(url: str) -> None:
        async with locked(url, "test", wait_s=5) as db:
            await migrate_postgres(db)

    for url in _database(postgres_url):
        asyncio.run(migrate(url))
        yield urlsplit(url).path.lstrip("/")


@pytest.fixture(scope="session")
def operators_db(postgres_url: str, _migrated_template: str) -> Iterator[str]:
    """The URL of a database with all tables, for those who need locks and an audit log."""
    yield from _database(postgres_url, _migrated_template)


@pytest.fixture
def migrated_postgres(postgres_url: str, _migrated_template: str) -> Iterator[str]:
    """The URL of a fresh database with all tables, and nothing in them."""
    yield from _database(postgres_url, _migrated_template)


def _database(postgres_url: str, template: str = "template1") -> Iterator[str]:
    import psycopg

    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        yield urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def npm_folder(pytestconfig: pytest.Config) -> Callable[[str], Path]:
    """Takes the name of a folder of tests/fixtures; gives one with its files and the packages that they need."""
    cache = pytestconfig.cache
    assert cache is not None

    def folder(name: str) -> Path:
        try:
            return npm.installed(Path(__file__).parent / "fixtures" / name, cache.mkdir(name))
        except Unavailable as error:
            absent(NODE, error)

    return folder


@pytest.fixture(scope="module")  # of the session it would leave its event loop running in tests of other folders
def chromium() -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    path = chromium_path()
    if path is None:
        absent(CHROMIUM, Unavailable(f"none of {', '.join(NAMES)} is installed: apt-get install chromium"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def topic_prefix() -> str:
    """A prefix that only this test's topics have."""
    return f"t{secrets.token_hex(6)}."


@pytest.fixture
def redis_prefix() -> str:
    """A prefix that only this test's keys have."""
    return f"t{secrets.token_hex(6)}:"


def _own(kind: type[Engine], tmp_path: Path) -> Iterator[Callable[..., Any]]:
    with ExitStack() as stack:

        def start(**options: Any) -> Engine:
            try:
                kind.version()
            except Unavailable as error:
                absent(kind.role, error)
            return stack.enter_context(kind(tmp_path / f"{kind.role}-{secrets.token_hex(3)}", **options))

        yield start


@pytest.fixture
def own_clickhouse(tmp_path: Path) -> Iterator[Callable[..., ClickHouse]]:
    """Starts a ClickHouse for this test alone, which may kill and restart it. Takes the options of the class."""
    yield from _own(ClickHouse, tmp_path)


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[Callable[..., Postgres]]:
    yield from _own(Postgres, tmp_path)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Callable[..., Valkey]]:
    yield from _own(Valkey, tmp_path)


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Callable[..., Kafka]]:
    yield from _own(Kafka, tmp_path)
