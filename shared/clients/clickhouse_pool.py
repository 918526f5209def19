"""ClickHouse for an event loop: the driver waits, so each connection has a thread of its own."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from shared.clients.clickhouse import ClickHouse

T = TypeVar("T")


class Call(Generic[T]):
    """A call on a thread of a pool. `future`: its result; cancelling that ends the waiting only."""

    future: asyncio.Future[T]

    def __init__(self, work: Callable[[ClickHouse], T]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._connection: ClickHouse | None = None

    def abort(self) -> None:
        """Break the connection while the call is under way: the server gives up, and the call ends `Unreachable`."""
        with self._lock:  # another call may have the connection next
            if self._connection is not None:
                self._connection.abort()

    def on(self, connection: ClickHouse) -> T:
        with self._lock:
            self._connection = connection
        try:
            return self._work(connection)
        finally:
            with self._lock:
                self._connection = None


class ClickHousePool:
    """At most `threads` calls at once, each on a thread with its own connection, which `connect` makes at the first.

    Calls beyond that wait their turn in the order in which they came.
    """

    def __init__(self, threads: int, connect: Callable[[], ClickHouse], *, name: str = "clickhouse") -> None:
        self._connect = connect
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._own = threading.local()
        self._connections: list[ClickHouse] = []

    def run(self, call: Callable[[ClickHouse], T]) -> asyncio.Future[T]:
        """The result of a call. Cancelled, a call that has begun goes on, and one that waits its turn never begins."""
        result = asyncio.get_running_loop().run_in_executor(self._threads, self._on_thread, call)
        result.add_done_callback(_retrieve)
        return result

    def begin(self, work: Callable[[ClickHouse], T]) -> Call[T]:
        """The same as a `Call`, which can be aborted alone."""
        call = Call(work)
        call.future = self.run(call.on)
        return call

    def abort(self) -> None:
        """Break all connections: whatever still waits for the server ends at once, its outcome unknown."""
        for connection in list(self._connections):
            connection.abort()

    def close(self) -> None:
        """Wait for the calls under way (`abort` ends them), drop those that have not begun, then close. Blocks."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()

    def _on_thread(self, call: Callable[[ClickHouse], Any]) -> Any:
        connection: ClickHouse | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = self._connect()
            self._connections.append(connection)
        return call(connection)


def _retrieve(result: "asyncio.Future[Any]") -> None:
    """Whoever waited may have left, and asyncio would log the error as never retrieved."""
    if not result.cancelled():
        result.exception()
