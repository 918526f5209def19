"""Threads with a connection each: how many calls run, who gets which connection, and how it all ends."""

import asyncio
import gc
import threading
from typing import Any

import pytest

from shared.clients.clickhouse import Unreachable
from shared.clients.clickhouse_pool import ClickHousePool


class Connection:
    """Waits for `release`, or for its being aborted."""

    made: list["Connection"]

    def __init__(self) -> None:
        self.release = threading.Event()
        self.aborted = self.closed = False
        self.made.append(self)

    def wait(self) -> threading.Thread:
        assert self.release.wait(10)
        if self.aborted:
            raise Unreachable("aborted")
        return threading.current_thread()

    def abort(self) -> None:
        self.aborted = True
        self.release.set()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Connection]:
    made: list[Connection] = []
    monkeypatch.setattr(Connection, "made", made, raising=False)
    return made


def pool_of(threads: int) -> Any:
    return ClickHousePool(threads, Connection)  # type: ignore[arg-type]


async def until(true: Any) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - a thread makes it true
            await asyncio.sleep(0.005)


async def test_each_thread_has_a_connection_of_its_own_and_keeps_it(connections: list[Connection]) -> None:
    pool = pool_of(2)
    calls = [pool.run(Connection.wait) for _ in range(4)]
    await until(lambda: len(connections) == 2)
    for connection in connections:
        connection.release.set()
    threads = await asyncio.gather(*calls)
    assert len(connections) == 2
    assert len(set(threads)) <= 2
    await asyncio.to_thread(pool.close)
    assert all(connection.closed for connection in connections)


async def test_a_call_that_waits_its_turn_never_begins_when_it_is_cancelled(connections: list[Connection]) -> None:
    pool = pool_of(1)
    first = pool.run(Connection.wait)
    await until(lambda: connections)
    begun: list[int] = []
    second = pool.run(lambda _: begun.append(1))
    second.cancel()
    await asyncio.sleep(0)  # the thread learns of it when the loop has turned
    connections[0].release.set()
    await first
    await asyncio.to_thread(pool.close)
    assert begun == []


async def test_abort_ends_the_calls_under_way(connections: list[Connection]) -> None:
    pool = pool_of(1)
    call = pool.run(Connection.wait)
    await until(lambda: connections)
    pool.abort()
    with pytest.raises(Unreachable):
        await call
    await asyncio.to_thread(pool.close)


async def test_an_error_that_nobody_waits_for_any_more_is_not_logged(connections: list[Connection]) -> None:
    said: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
    pool = pool_of(1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await asyncio.shield(pool.run(Connection.wait))
    await until(lambda: connections)
    connections[0].abort()
    await asyncio.to_thread(pool.close)
    await asyncio.sleep(0)  # the loop learns of the call's end
    gc.collect()
    assert said == []
