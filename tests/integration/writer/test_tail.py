"""A tail beside real queues and writers that are killed and share lanes: no gap, no repeat
(reading.md, "Why nothing is missing")."""

import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest

from gateway.query import Reader
from gateway.query.as_of import AsOf, decode_as_of, encode_as_of
from gateway.query.complete import Completeness
from gateway.query.logs.filters import LogQuery
from gateway.query.logs.tail import poll
from gateway.query.logs.tail.follow import News, Tail
from gateway.query.observing import observation
from gateway.query.tails import Tails
from shared.clock import clock
from tests.integration.writer.ops.stage_operator import remake
from tests.integration.writer.records import logs
from tests.integration.writer.stage import Stage
from tests.integration.writer.writer_process import until


class Client:
    """Follows the logs of project p1, and connects again when it is told to."""

    def __init__(self, reader: Reader, completeness: Completeness) -> None:
        self._reader = reader
        self._completeness = completeness
        self.seen = Counter[str]()
        self.news: list[News] = []
        self.tail = self._tail(None)

    def _tail(self, since: AsOf | None) -> Tail:
        return Tail(self._reader, lambda _: self._completeness.now(), Tails(), "p1", LogQuery(), since)

    async def look(self) -> None:
        if news := await self.tail.look():
            self.news.append(news)
            self.seen.update(message_of(log.json) for log in news.logs)

    def connect_again(self) -> None:
        """With the id of the last event; what the connection had found and not sent is gone."""
        state = self.news[-1].state
        assert state is not None
        self.tail = self._tail(decode_as_of(encode_as_of(state)))

    async def starts(self) -> None:
        await self.looks_until(lambda: bool(self.news and self.news[-1].state))

    async def looks_until(self, true: Callable[[], bool]) -> None:
        async def done() -> bool:
            await self.look()
            return true()

        await until(done)


def log_of(message: str) -> bytes:
    return logs(message, received_at=time.time_ns() // 1000)


def message_of(log: bytes) -> str:
    return str(json.loads(log)["message"])


@asynccontextmanager
async def client(stage: Stage) -> AsyncIterator[Client]:
    reader = Reader(stage.clickhouse_url)
    observed = Completeness(stage.queue, stage.groups, [stage.lane().topic], clock(0))
    yield Client(reader, observed)
    await observed.close()
    await reader.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observation, "EVERY_S", 0.02)
    monkeypatch.setattr(poll, "MOST", 10_000)


async def test_kills_rebalances_and_reconnects_lose_nothing_and_repeat_nothing(any_stage: Stage) -> None:
    stage, random = any_stage, Random(9)
    await stage.make("logs", partitions=3)
    published: list[str] = []

    async def publish() -> None:
        fresh = [f"message {n}" for n in range(len(published), len(published) + 40)]
        await stage.publish(*map(log_of, fresh))
        published.extend(fresh)

    async with client(stage) as reading:
        await reading.starts()

        async def read_some(enough: int) -> None:
            """Connects again at random points."""

            async def done() -> bool:
                await reading.look()
                if random.random() < 0.2:
                    reading.connect_again()
                return reading.seen.total() >= enough

            await until(done)

        with stage.spawn(failpoint="after_insert=kill:3", WRITER_BATCH_ROWS=10) as killed:
            await publish()
            assert await killed.ended() == -signal.SIGKILL, killed.log
            told = len(reading.news)
            await reading.looks_until(lambda: len(reading.news) >= told + 3)
            assert 0 < reading.seen.total() < stage.count(), "rows that are there and not committed are not shown"
            await publish()
            async with stage.writer(batch_rows=7) as first:
                await read_some(len(published) - 20)
                async with stage.writer(batch_rows=7) as second:
                    await until(lambda: bool(first.lanes and second.lanes))
                    await publish()
                    await read_some(len(published) - 20)
                await publish()
                await read_some(len(published))
                told = len(reading.news)
                await reading.looks_until(lambda: len(reading.news) >= told + 3)
    assert reading.seen == Counter(published)
    assert not any(news.left_out or news.recreated for news in reading.news)


async def test_a_recreated_lane_is_told_and_followed_from_its_beginning(any_stage: Stage) -> None:
    stage = any_stage
    await stage.make("logs")
    async with client(stage) as reading:
        await reading.starts()
        async with stage.writer():
            await stage.publish(*(log_of(f"former {n}") for n in range(20)))
            await reading.looks_until(lambda: reading.seen.total() == 20)
        told = len(reading.news)
        await reading.looks_until(lambda: len(reading.news) > told)
        await remake(stage)
        reading.connect_again()
        async with stage.writer():
            for count in (5, 30):
                fresh = [f"{count} {n}" for n in range(count)]
                await stage.publish(*map(log_of, fresh))
                await reading.looks_until(lambda fresh=fresh: set(fresh) <= set(reading.seen))
    assert [lane for news in reading.news for lane in news.recreated] == [stage.lane()]
    assert reading.seen.total() == 55
