"""The read API queries ClickHouse read-only, within bounds, and through the primary key."""

import asyncio
import re
from collections.abc import Callable
from time import monotonic, time

import pytest

from deploy.local.clickhouse import ClickHouse
from gateway.query import Reader
from gateway.query.logs.filters import EQUAL, Around, LogQuery
from gateway.query.logs.search import find_logs, find_logs_around
from gateway.query.reader import TooBig, TooSlow
from gateway.rejections import Unavailable
from tests.faults.processes import frozen
from tests.integration.gateway.query.explaining import Explaining
from tests.integration.gateway.query.read_api import DAY, Store, client

HOUR = 3_600_000_000
FIRST_NOON = (int(time()) // 86_400 - 11) * DAY + 12 * HOUR
"""Noon of the first of ten past days, all within a retention of 30 days."""


async def test_clickhouse_away_is_503_and_comes_back_by_itself(own_clickhouse: Callable[..., ClickHouse]) -> None:
    server = own_clickhouse()
    with Store(server.url) as store:
        store.add_logs({"message": "kept"})
    reader = Reader(server.url, timeout_s=10)
    async with client(reader) as api:
        assert (await api.get("/api/v1/projects/p/logs")).json()["total"] == 1
        server.stop()
        answer = await api.get("/api/v1/projects/p/logs")
        assert (answer.status_code, answer.json()) == (503, {"detail": "Log storage temporarily unavailable"})
        assert int(answer.headers["retry-after"]) > 0
        assert (await api.get("/api/v1/events/e/logs")).status_code == 503
        server.start()
        assert (await api.get("/api/v1/projects/p/logs")).json()["total"] == 1
    await reader.close()


async def test_a_frozen_clickhouse_holds_nobody_for_long(own_clickhouse: Callable[..., ClickHouse]) -> None:
    server = own_clickhouse()
    reader = Reader(server.url, timeout_s=1, connections=1)
    await reader.ping()
    assert server.pid is not None
    with frozen(server.pid):
        started = monotonic()
        answers = await asyncio.gather(*(reader.ping() for _ in range(20)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {Unavailable}
        assert monotonic() - started < 30
    await reader.close()


async def test_nothing_can_be_changed_through_it(store: Store) -> None:
    reader = Reader(store.url)
    for statement in (
        "INSERT INTO logs (project_id) SELECT 'p'",
        "ALTER TABLE logs DELETE WHERE 1",
        "DROP TABLE logs",
        "SELECT count() FROM logs SETTINGS readonly = 0",
    ):
        with pytest.raises(Unavailable):
            await reader.query(statement, {})
    assert await reader.query("SELECT count() FROM logs", {}) == [(0,)]
    await reader.close()


async def test_the_read_only_user_of_the_local_stack_can_be_used(own_clickhouse: Callable[..., ClickHouse]) -> None:
    server = own_clickhouse(password="secret")
    with Store(server.url) as store:
        store.add_logs({"message": "x"})
    reader = Reader(server.read_url)
    assert (await find_logs(reader, "p", LogQuery())).total == 1
    await reader.close()


async def test_a_query_that_takes_too_long_is_given_up(store: Store) -> None:
    reader = Reader(store.url, timeout_s=0.3)
    started = monotonic()
    with pytest.raises(TooSlow):
        await reader.query("SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))", {})
    assert monotonic() - started < 30
    await reader.close()


async def test_a_result_too_large_to_hold_is_told_apart(store: Store) -> None:
    reader = Reader(store.url)
    with pytest.raises(TooBig):
        await reader.query("SELECT repeat('x', 900000 + number) FROM numbers(100)", {})
    await reader.close()


async def test_more_questions_than_may_wait_are_refused_at_once(store: Store) -> None:
    reader = Reader(store.url, timeout_s=30, connections=1)
    slow = [asyncio.create_task(reader.query("SELECT sleep(0.05)", {})) for _ in range(17)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await reader.query("SELECT 1", {})
    await reader.ping()
    assert not any(task.done() for task in slow)
    assert await asyncio.gather(*slow) == [[(0,)]] * 17
    await reader.close()


@pytest.fixture
def two_projects_for_ten_days(store: Store) -> Store:
    """20,000 rows a day, half of them of another project; each day is a table partition."""
    columns = "project_id, timestamp, received_at, retention_days, _offset, trace_id, level, message"
    for day in range(10):
        store.clickhouse.query(
            f"INSERT INTO logs ({columns}) SELECT ['o', 'p'][number % 2 + 1],"
            f" fromUnixTimestamp64Micro(toInt64({FIRST_NOON + day * DAY} + number * 1000000)) AS at, at, 30, number,"
            " concat('t', toString(intDiv(number, 10))), 'info', 'm' FROM numbers(20000)"
        )
    store.add_errors({"event_id": "e", "trace_id": "t10", "timestamp": FIRST_NOON + 5 * DAY})
    return store


def read(plan: str, what: str, index: str) -> tuple[int, int]:
    """(selected, of how many) parts or granules of one index in a plan."""
    found = re.search(rf"{index}\n.*?{what}: (\d+)/(\d+)", plan, re.DOTALL)
    assert found, plan
    return int(found[1]), int(found[2])


def goes_through_the_primary_key(plan: str) -> bool:
    return re.search(r"PrimaryKey\s+Keys:\s+project_id\s+timestamp\s", plan) is not None


async def test_a_page_and_its_count_read_only_the_days_since_the_start(
    explaining: Explaining, two_projects_for_ten_days: Store
) -> None:
    start = FIRST_NOON + 7 * DAY
    query = LogQuery(start=start, end=start + HOUR, levels=("info",), search="m", limit=10)
    found = await find_logs(explaining, "p", query)
    assert found.total == 1800
    assert len(explaining.plans) == 2
    for plan in explaining.plans:
        assert goes_through_the_primary_key(plan), plan
        assert read(plan, "Parts", "Min-Max") == (3, 10), plan
        # A part has one granule, so the key can't tell that its first row is after the hour's end.
        assert read(plan, "Granules", "PrimaryKey") == (3, 6), plan
    assert "Read type: InReverseOrder" in explaining.plans[0]


async def test_logs_around_an_error_read_the_minutes_around_it(
    explaining: Explaining, two_projects_for_ten_days: Store
) -> None:
    found = await find_logs_around(explaining, "p", "e", Around())
    assert found.total == 5
    event, logs = explaining.plans
    assert re.search(r"Name: event\s+Description: bloom_filter", event), event
    assert goes_through_the_primary_key(logs), logs
    assert read(logs, "Parts", "Min-Max") == (5, 10), logs
    assert read(logs, "Granules", "PrimaryKey") == (5, 10), logs
    assert "Name: trace" in logs


@pytest.mark.parametrize("name", EQUAL)
async def test_every_filter_goes_through_the_primary_key(explaining: Explaining, store: Store, name: str) -> None:
    store.add_logs({"timestamp": FIRST_NOON})
    await find_logs(explaining, "p", LogQuery(start=FIRST_NOON, equal=((name, "x"),)))
    for plan in explaining.plans:
        assert goes_through_the_primary_key(plan), plan


async def test_vercels_id_of_a_request_is_found_through_its_index(explaining: Explaining, store: Store) -> None:
    store.add_logs({"timestamp": FIRST_NOON, "vercel_id": "a-1"}, {"timestamp": FIRST_NOON, "vercel_id": "a-2"})
    assert (await find_logs(explaining, "p", LogQuery(equal=(("vercel_id", "a-1"),)))).total == 1
    assert re.search(r"Name: vercel\s+Description: bloom_filter", explaining.plans[0]), explaining.plans[0]


@pytest.mark.parametrize("query", [LogQuery(search="m"), LogQuery(attributes=(("a", "b"),))])
async def test_a_condition_on_text_comes_first(
    explaining: Explaining, two_projects_for_ten_days: Store, query: LogQuery
) -> None:
    await find_logs(explaining, "p", query)
    assert "__topKFilter" not in explaining.plans[0]
    await find_logs(explaining, "p", LogQuery())
    assert "LazilyRead" in explaining.plans[-2]


async def test_a_setting_that_the_server_does_not_know_is_ignored(store: Store) -> None:
    reader = Reader(store.url)
    assert await reader.query("SELECT 1", {}, settings={"a_setting_of_a_later_version": 0}) == [(1,)]
    await reader.close()
