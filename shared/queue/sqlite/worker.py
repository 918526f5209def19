"""A thread with its own connection to the queue file, so that the event loop never waits for a disk."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from shared.queue.base import QueueUnavailable
from shared.queue.sqlite.file import QueueFile

T = TypeVar("T")


class Worker:
    """Runs one piece of work after the other, each on the same `QueueFile`. The thread starts with the first one.

    Cancelling stops the waiting, not work that has begun.
    """

    def __init__(self, path: Path, name: str, *, lock_timeout_s: float) -> None:
        self._file = QueueFile(path, lock_timeout_s=lock_timeout_s)
        self._close_timeout_s = lock_timeout_s + 1.0
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"queue-{name}")

    @property
    def file_id(self) -> str:
        """Of the file that the last work was done on."""
        return self._file.id

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The result of work in one read transaction."""

        def transaction(file: QueueFile) -> T:
            with file.read() as db:
                return work(db)

        return await self.run(transaction)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The result of work in one write transaction, committed and synced."""

        def transaction(file: QueueFile) -> T:
            with file.write() as db:
                return work(db)

        return await self.run(transaction)

    async def run(self, work: Callable[[QueueFile], T]) -> T:
        """The result of work that opens its transactions itself. Raises `QueueUnavailable` after `close`."""
        try:
            running = asyncio.get_running_loop().run_in_executor(self._threads, work, self._file)
        except RuntimeError as error:
            raise QueueUnavailable("the queue file is closed here") from error
        return await running

    async def close(self) -> None:
        """Close the connection behind the work that is under way; leave both alone if it hangs."""
        with suppress(TimeoutError, QueueUnavailable):
            await asyncio.wait_for(self.run(QueueFile.close), self._close_timeout_s)
        self._threads.shutdown(wait=False)
