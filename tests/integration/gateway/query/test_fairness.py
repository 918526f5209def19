"""One tenant's reading must not stop another's, nor ingest, nor the check of health."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic, thread_time

import pytest

from gateway.query import Reader
from gateway.query.logs.filters import LogQuery
from gateway.query.logs.search import find_logs
from gateway.rejections import Unavailable
from tests.integration.gateway.query.read_api import NOON, Store, client

LOGS = "/api/v1/projects/p/logs"
DEAR = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number)) SETTINGS max_threads = 1"
LONGEST_TURN_S = 0.05


@pytest.fixture
async def reader(store: Store) -> AsyncIterator[Reader]:
    made = Reader(store.url, timeout_s=30)
    yield made
    await made.close()


@asynccontextmanager
async def dear_queries(reader: Reader, n: int) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(reader.query(DEAR, {}, project_id="dear")) for _ in range(n)]
    await asyncio.sleep(0.5)
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def running(store: Store) -> int:
    """Dear queries that ClickHouse works at."""
    found = store.clickhouse.query(
        "SELECT count() FROM system.processes"
        " WHERE query LIKE '%1000000000000%' AND NOT query LIKE '%system.processes%'"
    )
    return int(found[0][0])


async def until_running(store: Store, n: int) -> None:
    async with asyncio.timeout(15):
        while await asyncio.to_thread(running, store) != n:  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.05)


async def test_another_project_reads_beside_72_dear_queries(reader: Reader, store: Store) -> None:
    store.add_logs({"message": "mine"})
    async with dear_queries(reader, 72):
        await until_running(store, 2)
        for _ in range(20):
            assert (await find_logs(reader, "p", LogQuery())).total == 1


async def test_health_asks_whether_it_answers_not_how_busy_it_is(reader: Reader, store: Store) -> None:
    async with dear_queries(reader, 72):
        started = monotonic()
        for _ in range(5):
            await reader.ping()
        assert monotonic() - started < 5


async def test_a_query_whose_client_hangs_up_is_cancelled(reader: Reader, store: Store) -> None:
    task = asyncio.create_task(reader.query(DEAR, {}, project_id="p"))
    await until_running(store, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until_running(store, 0)
    assert await reader.query("SELECT 1", {}, project_id="p") == [(1,)]


async def test_a_query_that_is_given_up_is_cancelled(store: Store) -> None:
    reader = Reader(store.url, timeout_s=0.3)
    with pytest.raises(Unavailable):
        await reader.query(DEAR + ", max_execution_time = 600", {})
    await until_running(store, 0)
    await reader.close()


class Turns:
    """Measures the processor time that the loop's thread works between two turns of a task."""

    def __init__(self) -> None:
        self.longest_s = 0.0

    async def watch(self) -> None:
        gc.collect()
        gc.freeze()  # what earlier tests have left in this process is no work of the gateway's
        while True:
            before = thread_time()
            await asyncio.sleep(0)
            self.longest_s = max(self.longest_s, thread_time() - before)


def uuids(n: int) -> str:
    return json.dumps({"ids": [f"c0ffee00-e123-4567-e890-{k:012d}" for k in range(n)]})


HOSTILE = '{"n":1e400,"a":[' + ",".join(["1e-100", '"\\\\"'] * 30_000) + "]}"
ATTACKS = {
    "large logs": [{"message": "x" * 480_000}] * 110,
    "large logs full of UUIDs": [{"attributes": uuids(11_000)}] * 60,
    "numbers that no double holds": [{"attributes": HOSTILE}] * 60,
    "a thousand small ones": [{"message": "m", "attributes": uuids(3), "template": "m"}] * 1000,
    "text that must be escaped": [{"message": '\x01"\\' * 160_000}] * 30,
    "a number of a million digits": [{"attributes": '{"n":' + "9" * 480_000 + "}"}] * 20,
    "deep": [{"attributes": '{"e123":' + "[" * 500 + "1" + "]" * 500 + "}"}] * 1000,
}


@pytest.mark.parametrize("kind", ATTACKS)
async def test_no_page_holds_the_loop(reader: Reader, store: Store, kind: str) -> None:
    rows = [row | {"timestamp": NOON - n} for n, row in enumerate(ATTACKS[kind])]
    for first in range(0, len(rows), 50):
        await asyncio.to_thread(store.add_logs, *rows[first : first + 50])
    async with client(reader) as api:
        await api.get(LOGS, params={"limit": 1})  # what is imported or connected at the first time is not meant
        turns = Turns()
        watching = asyncio.create_task(turns.watch())
        answer = await api.get(LOGS, params={"limit": 1000})
        watching.cancel()
    assert answer.status_code == 200
    assert answer.json()["logs"]
    assert turns.longest_s < LONGEST_TURN_S


QUERIES = {
    "commas": "levels=" + "," * 60_000,
    "levels": "levels=" + "info," * 12_000,
    "bad levels": "levels=" + ",".join(f"x{n}" for n in range(10_000)),
    "parameters": "&".join(f"p{n}=1" for n in range(8_000)),
    "attributes": "&".join(f"attr.{n}=1" for n in range(4_000)),
    "a long path": "attr." + "a." * 30_000 + "=1",
    "search": "search=" + "%25" * 20_000,
    "brackets": "q=" + "(" * 60_000,
    "nested brackets": "q=" + "-(a%20" * 340,
    "many attributes": "q=" + "attr.a.b.c.d.e.f:%3E1%20" * 50,
    "digits": "limit=" + "9" * 60_000,
}


@pytest.mark.parametrize("kind", QUERIES)
async def test_no_query_string_holds_the_loop(reader: Reader, store: Store, kind: str) -> None:
    async with client(reader) as api:
        await api.get(LOGS)
        request = api.build_request("GET", f"{LOGS}?{QUERIES[kind]}")
        turns = Turns()
        watching = asyncio.create_task(turns.watch())
        answer = await api.send(request)
        watching.cancel()
    assert answer.status_code in (200, 422)
    assert turns.longest_s < LONGEST_TURN_S
