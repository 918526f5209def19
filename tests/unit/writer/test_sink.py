"""Who gets the threads that talk to ClickHouse while a shard hangs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from shared import registry
from shared.clients.clickhouse import Unreachable
from shared.queue.base import Lane
from writer.sink import Sink

TABLES = list({each.table.name: each.table for each in registry.load().signals.values()}.values())


class Pool:
    """Calls of lanes whose partition is 1 hang until they are failed."""

    def __init__(self) -> None:
        self.hanging: list[asyncio.Future[None]] = []

    def run(self, call: Callable[[Any], Any]) -> Awaitable[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        call(future)
        return future


async def test_lanes_of_a_shard_that_hangs_leave_threads_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    sink, pool = Sink("clickhouse://127.0.0.1:1/x", threads=4, timeout_s=1.0), Pool()
    monkeypatch.setattr(sink, "_pool", pool)
    monkeypatch.setattr(sink._fitness, "is_known", lambda _: True)
    assert len(TABLES) >= 4, "each of them may have two threads"

    def hangs(future: Any) -> None:
        pool.hanging.append(future)

    def answers(future: Any) -> None:
        future.set_result(None)

    async def failing(table: Any, lane: Lane) -> None:
        while True:
            try:
                await sink._of_lane(table, lane, cast(Any, hangs))
            except Unreachable:
                await asyncio.sleep(0)

    lanes = [(table, Lane(table.name, number)) for table in TABLES for number in (1, 3)]
    trying = [asyncio.create_task(failing(*each)) for each in lanes]

    async def fail(rounds: int) -> None:
        for _ in range(rounds):
            await settled()
            while pool.hanging:
                pool.hanging.pop().set_exception(Unreachable("timed out"))

    try:
        await fail(10)  # each has failed once, and tries again
        await settled()
        async with asyncio.timeout(10):
            for table in TABLES:
                await sink._of_lane(table, Lane(table.name, 0), cast(Any, answers))
        assert 0 < len(pool.hanging) <= 2
    finally:
        for task in trying:
            task.cancel()
        await fail(10)
        await asyncio.wait(trying)


async def settled() -> None:
    """Until nobody can go on by himself."""
    for _ in range(100):
        await asyncio.sleep(0)
