"""What a poll of a tail finds over real ClickHouse (reading.md, "Events of a tail")."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from random import Random
from typing import Any

import pytest

from gateway.query import Reader
from gateway.query.as_of import SETTLED_US, AsOf, as_of
from gateway.query.complete import Complete
from gateway.query.logs.filters import LogQuery, parse_filters
from gateway.query.logs.tail import stretch
from gateway.query.logs.tail.follow import LATE_US, News, Tail
from gateway.query.logs.tail.poll import MOST, MOST_BYTES
from gateway.query.parameters import Parameters
from gateway.query.tails import Tails
from shared.queue.base import Lane
from shared.queue.lane_state import LaneState
from tests.integration.gateway.query.explaining import Explaining
from tests.integration.gateway.query.read_api import NOON, Store

SECOND = 1_000_000


class Scene:
    """A tail over rows and lanes that a test sets."""

    def __init__(self, store: Store, reader: Reader) -> None:
        self._store = store
        self._reader = reader
        self._now = Complete()

    def tail(self, query: LogQuery | None = None, since: AsOf | None = None) -> Tail:
        return Tail(self._reader, self._ask, Tails(), "p", query or LogQuery(), since)

    async def _ask(self, table: str) -> Complete:
        assert table == "logs"
        return self._now

    def commit(self, after_s: float, **ends: int) -> None:
        """`logs_0=5`: lane 0 of logs is committed up to 5, and ends there."""
        lanes = {Lane(name[:-2], int(name[-1])): LaneState(0, end, end) for name, end in ends.items()}
        moment = NOON + int(after_s * SECOND)
        self._now = Complete(moment, as_of(moment, {lane: state.end for lane, state in lanes.items()}), lanes=lanes)

    def add(self, *rows: Mapping[str, Any]) -> None:
        self._store.add_logs(*rows)


@pytest.fixture
async def scene(store: Store) -> AsyncIterator[Scene]:
    reader = Reader(store.url)
    yield Scene(store, reader)
    await reader.close()


def row(message: str, offset: int, lane: str = "logs", *, partition: int = 0, **fields: Any) -> dict[str, Any]:
    return {"message": message, "_topic": lane, "_partition": partition, "_offset": offset, **fields}


async def look(tail: Tail) -> News:
    news = await tail.look()
    assert news is not None
    return news


def messages(news: News) -> list[str]:
    return [json.loads(log.json)["message"] for log in news.logs]


async def test_it_shows_what_is_between_two_states_and_nothing_of_other_projects(scene: Scene) -> None:
    scene.commit(0, logs_0=2, logs_1=0, drain_0=1)
    tail = scene.tail()
    assert messages(await look(tail)) == []
    assert await tail.look() is None, "the queue was not observed again"
    scene.add(row("before", 1), row("shown", 2), row("of another", 3, project_id="q"), row("not committed", 4))
    scene.add(row("lane 1", 0, partition=1, received_at=NOON + 1), row("of drains", 1, "drain", received_at=NOON + 2))
    scene.add(row("of before", 3, received_at=NOON - SETTLED_US - 1), row("no lane", 2, "former"))
    scene.commit(1, logs_0=4, logs_1=1, drain_0=2)
    news = await look(tail)
    assert messages(news) == ["shown", "lane 1", "of drains"]
    assert (news.left_out, news.recreated, news.complete_up_to) == (None, (), NOON + SECOND)
    scene.commit(2, logs_0=5, logs_1=1, drain_0=2)
    assert messages(await look(tail)) == ["not committed"]


async def test_a_poll_goes_through_the_key_and_the_indexes_on_arrival_and_offset(
    store: Store, explaining: Explaining
) -> None:
    scene = Scene(store, explaining)
    scene.add(*(row("m", n, timestamp=NOON - n * SECOND) for n in range(50)))
    scene.commit(0, logs_0=50)
    tail = scene.tail()
    await look(tail)
    scene.add(*(row("m", 50 + n) for n in range(60)))
    scene.commit(1, logs_0=110)
    assert len((await look(tail)).logs) == MOST
    rows, count = explaining.plans
    for plan in (rows, count):
        indexes = re.findall(r"^Name: (\w+)$", plan, re.MULTILINE)
        assert {"offset_range", "arrival_range"} <= set(indexes), plan
        assert "project_id in ['p', 'p']" in plan


async def test_rows_are_as_in_a_page_and_the_filters_count(scene: Scene) -> None:
    scene.commit(0, logs_0=0)
    asked = {"q": 'level:error "Disk"', "service": "api", "include": "service,received_at", "attr.k": "1"}
    tail = scene.tail(parse_filters(Parameters(asked.items())))
    await look(tail)
    found = {"level": "error", "service": "api", "attributes": '{"k":\n1}'}
    scene.add(row("disk full", 0, **found), row("disk full", 1), row("cpu", 2, **found), row("disk", 3, level="error"))
    scene.commit(1, logs_0=4)
    (log,) = (await look(tail)).logs
    told = json.loads(log.json)
    assert told["attributes"] == {"k": 1}
    assert (told["service"], told["received_at"]) == ("api", "2026-01-15T12:00:00.000Z")
    assert len(told) == 13 + 2


async def test_of_many_the_newest_are_shown_and_the_others_counted(scene: Scene) -> None:
    scene.commit(0, logs_0=0)
    tail = scene.tail()
    await look(tail)
    order = list(range(MOST + 30))
    Random(3).shuffle(order)
    scene.add(*(row(f"{n}", n, received_at=NOON + n, timestamp=NOON - n * SECOND) for n in order))
    scene.commit(1, logs_0=MOST + 30)
    news = await look(tail)
    assert messages(news) == [f"{n}" for n in range(30, MOST + 30)]
    assert news.left_out is not None
    assert (news.left_out.count, news.left_out.start, news.left_out.end) == (30, NOON - 29 * SECOND, NOON)


async def test_large_logs_are_shown_one_by_one_at_least(scene: Scene) -> None:
    scene.commit(0, logs_0=0)
    tail = scene.tail()
    await look(tail)
    scene.add(*(row("x" * (MOST_BYTES // 2 + 1), n, received_at=NOON + n) for n in range(5)))
    scene.commit(1, logs_0=5)
    news = await look(tail)
    assert len(news.logs) == 2
    assert news.left_out is not None
    assert news.left_out.count == 3
    scene.add(row("y" * 2 * MOST_BYTES, 5))
    scene.commit(2, logs_0=6)
    assert len((await look(tail)).logs) == 1


async def test_late_logs_are_marked_whatever_a_clock_ahead_says(scene: Scene) -> None:
    scene.commit(0, logs_0=0)
    tail = scene.tail()
    await look(tail)

    async def lates(offset: int, *timestamps: int) -> list[bool]:
        scene.add(*(row("m", offset + n, timestamp=at, received_at=NOON + n) for n, at in enumerate(timestamps)))
        scene.commit(offset + 1, logs_0=offset + len(timestamps))
        return [log.late for log in (await look(tail)).logs]

    assert await lates(0, NOON - LATE_US - 1, NOON - LATE_US, NOON + 500 * SECOND) == [True, False, False]
    assert await lates(3, NOON - LATE_US - 1, NOON) == [True, False]


async def test_what_is_far_behind_is_told_not_read(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretch, "FAR_MESSAGES", 3)
    scene.add(*(row(f"{n}", n, received_at=NOON + n * 120 * SECOND) for n in range(6)))
    since = AsOf(NOON, {"logs": (0,)})
    scene.commit(601, logs_0=3)
    assert messages(await look(scene.tail(since=since))) == ["0", "1", "2"]
    scene.commit(601, logs_0=4)
    tail = scene.tail(since=since)
    news = await look(tail)
    assert (news.logs, news.left_out and news.left_out.count) == ((), None)
    assert news.left_out is not None
    scene.commit(602, logs_0=6)
    assert messages(await look(tail)) == ["4", "5"]


async def test_a_poll_that_fails_is_repeated_over_all_that_has_come(scene: Scene, store: Store) -> None:
    scene.commit(0, logs_0=0)
    tail = scene.tail()
    await look(tail)
    scene.add(row("a", 0))
    store.clickhouse.query("RENAME TABLE logs TO away")
    try:
        scene.commit(1, logs_0=1)
        news = await look(tail)
    finally:
        store.clickhouse.query("RENAME TABLE away TO logs")
    assert (news.logs, news.complete_up_to) == ((), None)
    assert news.reason
    scene.add(row("b", 1))
    scene.commit(2, logs_0=2)
    assert messages(await look(tail)) == ["a", "b"]
