"""A short fuzz of all routes, the same in every run; `python -m tests.fuzz.soak` is the long one.

Every answer is one that 03 documents, and what the gateway accepts is stored, once, and can be read.
"""

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings

from shared.clients.clickhouse import ClickHouse, database_of
from shared.formats.intake import Intake
from shared.migrations.clickhouse import migrate_clickhouse
from shared.registry import load
from shared.settings import Storage
from tests.fuzz import answer_checks, mixes, regressions
from tests.fuzz.in_process import KNOWN, InProcess
from tests.fuzz.real_processes import RealProcesses
from tests.fuzz.requests import Request, ingests
from tests.fuzz.wire import pipelined
from tests.validating import JSON_INTAKES, Door

REGISTRY = load()
SEED = 20_260_223


@pytest.fixture(scope="module")
def in_process() -> Iterator[InProcess]:
    made = InProcess()
    yield made
    made.close()


@pytest.fixture(scope="module")
def database_url(clickhouse_url: str) -> Iterator[str]:
    """A database with all tables."""
    name = f"test_{secrets.token_hex(6)}"
    url = urlsplit(clickhouse_url)._replace(path=f"/{name}").geturl()
    migrate_clickhouse(url, REGISTRY.tables, Storage(), fsync=False, allow_destructive=False)
    yield url
    client = ClickHouse(clickhouse_url)
    client.query(f"DROP DATABASE {name} SYNC")
    client.close()


@pytest.mark.parametrize("intake", JSON_INTAKES, ids=lambda intake: intake.name)
def test_whatever_is_accepted_becomes_rows_that_clickhouse_takes(
    intake: Intake, in_process: InProcess, database_url: str
) -> None:
    @settings(max_examples=30, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(ingests(Door(intake), KNOWN))
    def check(request: Request) -> None:
        stored(in_process, request)

    for request in regressions.ingests(KNOWN):
        if request.route == intake.route:
            stored(in_process, request)
    check()
    store = ClickHouse(database_url)
    for table, block in in_process.all_rows():
        where = f"`{database_of(database_url)}`.`{table.name}`"
        store.query(f"TRUNCATE TABLE {where}")
        store.insert(where, block.columns)
        assert store.query(f"SELECT count() FROM {where}") == [(block.rows,)]
    store.close()


def stored(in_process: InProcess, request: Request) -> None:
    """The answer is documented, and counts the rows that the writer makes of it: a ping is none, events of one id in
    one array are one."""
    answer = in_process.ask(request)
    answer_checks.check(request, answer)
    rows = sum(block.rows for _, block in in_process.rows())
    made_of = answer_checks.accepted(request, answer) - answer_checks.repeated(answer)
    assert rows == made_of or (rows < made_of and b"sdk-init" in request.body), f"{rows} rows of {request}"


@pytest.fixture(scope="module")
def processes(
    tmp_path_factory: pytest.TempPathFactory, postgres_url: str, database_url: str, redis_url: str
) -> Iterator[RealProcesses]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    name = f"test_{secrets.token_hex(6)}"
    own = urlsplit(database_url)._replace(path=f"/{name}").geturl()
    postgres = urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
    with RealProcesses(
        folder, postgres_url=postgres, clickhouse_url=own, redis_url=redis_url, queue_url=f"sqlite:///{folder}/queue.db"
    ) as made:
        yield made
    client = ClickHouse(database_url)
    client.query(f"DROP DATABASE {name} SYNC")
    client.close()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def test_processes_answer_as_documented_and_store_what_they_accepted_once(processes: RealProcesses) -> None:
    random = Random(SEED)
    processes.send(regressions.ingests(processes.known))
    drawn = mixes.mix(REGISTRY, processes.known, 200, SEED)
    processes.send(drawn)
    processes.send(list(mixes.variants(drawn, random, 4)))
    processes.send_raw(list(mixes.raw(processes.known, random, 100)))
    assert processes.settle() > 2_000
    processes.send(regressions.reads(processes.known))
    assert processes.read_back() > 2_000


def test_pipelined_requests_are_answered_in_their_order(processes: RealProcesses) -> None:
    targets = ["/health", "/nope", "/ingest/logs", "/health/"]
    requests = [Request("", method, target.encode()) for target in targets for method in ("GET", "HEAD")]
    answers = asyncio.run(pipelined(processes.gateway.port, requests))
    assert [answer and answer.status for answer in answers] == [200, 200, 404, 404, 405, 405, 200, 200]
