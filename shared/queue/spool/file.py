"""The file of a spool, of one process at a time."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import structlog

from shared.queue.base import Position, Published, QueueFull, QueueUnavailable, TopicSpec
from shared.queue.spool import aside, rows
from shared.queue.spool.rows import Chunk, CorruptSpool, SpoolState
from shared.queue.sqlite import Limits, SqliteQueue, catalog
from shared.queue.sqlite import limits_of as sqlite_limits_of
from shared.queue.sqlite.file import QueueFile
from shared.queue.sqlite.file_lock import FileLock
from shared.queue.sqlite.group_commit import FileFull
from shared.queue.sqlite.worker import Worker
from shared.settings import Settings

_log = structlog.get_logger(__name__)
T = TypeVar("T")

FREE_SHARE = 0.05
"""What stays free of the disk, whatever the limit is."""
SHRUNK_BYTES = 16_000_000
"""A file that is not larger is left as it is."""
LOOK_S = 0.5
"""How long one look at the disk counts."""


class SpoolInUse(Exception):
    """Another process has the spool; the text says which file."""


class Spool:
    """Messages that wait for Kafka, in the order in which they came, a lane a topic.

    1. `publish` returns when the message is synced to disk, many at once in one transaction.
    2. It is refused beyond a size, and while less than a twentieth of the disk is free.
    3. A file that does not hold what was written to it is put aside as a whole, and told; nothing of it is skipped.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path = path
        self._limits = limits
        self._specs: list[TopicSpec] = []
        self._owning = ExitStack()
        self._is_owned = False
        self._is_open = False
        self._looked_at = float("-inf")
        self._has_room = True
        self._connect()

    def _connect(self) -> None:
        self._queue = SqliteQueue(self.path, self._limits)
        self._producer = self._queue.producer()
        self._worker = Worker(self.path, "spool", lock_timeout_s=self._limits.lock_timeout_s)

    async def open(self, specs: Iterable[TopicSpec] = ()) -> None:
        """Make what is missing of the file and these topics. Raises `SpoolInUse`, `QueueUnavailable`, and
        `CorruptSpool`, also for a file that is none."""
        self._specs = list(specs)
        self._own()
        with _noticing_damage(self.path):
            await asyncio.to_thread(aside.finish, self.path)
            await self._queue.create_topics(self._specs)
            await self._worker.write(rows.identify)
            await self._worker.write(lambda db: rows.limit(db, self._specs))
        await self._producer.start()
        self._is_open = True

    @property
    def is_open(self) -> bool:
        """False too if its file was deleted."""
        return self._is_open and os.path.exists(self.path)

    async def reopen(self) -> None:
        """Go on, with a new file if there is none, after `open` or `put_aside` has failed. Raises as `open` does."""
        if self._is_open:
            _log.error("the file of the spool is gone, and what waited in it: a new one is begun", file=str(self.path))
        await self.close()
        self._connect()
        await self.open(self._specs)

    async def close(self) -> None:
        await self._disconnect()
        self._owning.close()
        self._is_owned = False

    async def _disconnect(self) -> None:
        self._is_open = False
        await self._producer.stop()
        await self._worker.close()
        await self._queue.close()

    async def publish(self, topic: str, value: bytes, key: bytes | None = None) -> Published:
        """As a `Producer` does."""
        self._need_room()
        try:
            with _telling_that_it_is_gone(self.path):
                return (await self._producer.publish(topic, value, key))._replace(spooled=True)
        except FileFull as error:
            raise self._full() from error

    async def check(self) -> None:
        """Raise `QueueUnavailable` unless it would take a message: found out by writing, as the embedded queue does."""
        if not self.is_open:
            raise QueueUnavailable(f"the spool {self.path} is not open: the log says why")
        self._need_room()
        try:
            with _using(self.path):
                await self._queue.ping()
        except FileFull as error:
            raise self._full() from error

    def _need_room(self) -> None:
        if not self.has_room:
            raise QueueFull(f"less than {FREE_SHARE:.0%} of the disk of {self.path} is free")

    def _full(self) -> QueueFull:
        return QueueFull(
            f"the spool {self.path} has no room left of {self._limits.size_bytes:,} bytes: see what keeps Kafka away,"
            " or raise SLUICE_GATEWAY_SPOOL_BYTES"
        )

    def fullness(self, state: SpoolState) -> float:
        """From 0 to 1, at which it refuses messages; 1 also while too little of the disk is free."""
        return min(1.0, state.bytes / self._limits.size_bytes) if self.has_room else 1.0

    async def state(self) -> SpoolState:
        """Raises `CorruptSpool`, `QueueUnavailable`."""
        return await self._read(rows.state)

    async def topics(self) -> list[str]:
        """All that it can hold messages of."""
        return sorted((await self._read(catalog.topics)).keys())

    async def chunk(self) -> Chunk | None:
        """The oldest messages; None for none. Raises `CorruptSpool`, `QueueUnavailable`."""
        return await self._read(rows.next_chunk)

    async def drop_below(self, positions: Mapping[str, Position]) -> None:
        """Delete what the queue has: below these positions in each topic. Raises `CorruptSpool`, `QueueUnavailable`."""
        with _using(self.path):
            await self._worker.write(lambda db: rows.drop_below(db, positions))

    async def shrink(self) -> None:
        """Give the disk back what the file grew by, if nothing is in it. Raises `CorruptSpool`, `QueueUnavailable`."""
        with _using(self.path):
            await self._worker.run(_shrink)

    async def put_aside(self, reason: object) -> Path:
        """Give the file another name, for a person to look at, and begin a new one. Raises as `open` does; then it is
        not open (`reopen`)."""
        await self._disconnect()  # before: SQLite would take the new file's log for its own
        try:
            moved = await asyncio.to_thread(aside.put_aside, self.path)
        finally:
            self._connect()
        _log.error("a spool is corrupt and was put aside: run sluice spool list", file=str(moved), error=str(reason))
        await self.open(self._specs)
        return moved

    @property
    def aside(self) -> list[Path]:
        """The files that were put aside, and wait for a person. Raises `QueueUnavailable`."""
        return [file for file in aside.files_in(self.path.parent) if file != self.path]

    async def _read(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        with _using(self.path):
            return await self._worker.read(ask)

    def _own(self) -> None:
        if self._is_owned:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path.with_name(f"{self.path.name}.owner"))
            self._owning.callback(lock.close)
            self._owning.enter_context(lock.held(0.0))
        except TimeoutError as error:
            raise SpoolInUse(
                f"the spool {self.path} is another process's: stop that first, or name another folder"
            ) from error
        except OSError as error:
            raise QueueUnavailable(f"the spool {self.path} can't be made: {error}") from error
        self._is_owned = True

    @property
    def has_room(self) -> bool:
        """Whether enough of the disk is free. Raises `QueueUnavailable`: the disk does not say."""
        now = time.monotonic()
        if now - self._looked_at > LOOK_S:
            try:
                disk = os.statvfs(self.path.parent)
            except OSError as error:
                raise QueueUnavailable(f"the folder of the spool {self.path} can't be used: {error}") from error
            self._looked_at, self._has_room = now, disk.f_bavail >= disk.f_blocks * FREE_SHARE
        return self._has_room


def limits_of(settings: Settings) -> Limits:
    """The limits of a spool: those of a queue file, but for its size, and for messages that Kafka would refuse."""
    return replace(sqlite_limits_of(settings), size_bytes=settings.gateway.spool_bytes)


async def look_at(path: Path, limits: Limits) -> SpoolState:
    """What a spool holds, whoever has it. Raises `CorruptSpool`, `QueueUnavailable`."""
    worker = Worker(path, "spool", lock_timeout_s=limits.lock_timeout_s)
    try:
        with _using(path):
            return await worker.read(rows.state)
    finally:
        await worker.close()


def _shrink(file: QueueFile) -> None:
    # What is published meanwhile is little, and copied. All in one: checkpoints happen one at a time (`QueueFile`).
    with file.alone() as db:
        (pages,), (size,) = db.execute("PRAGMA page_count").fetchone(), db.execute("PRAGMA page_size").fetchone()
        if pages * size > SHRUNK_BYTES and rows.state(db).messages == 0:
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def _using(path: Path) -> Iterator[None]:
    """What is asked of a file that should be there."""
    with _noticing_damage(path), _telling_that_it_is_gone(path):
        yield


@contextmanager
def _noticing_damage(path: Path) -> Iterator[None]:
    """Raise `CorruptSpool` where SQLite says that the file is damaged, or none of its own."""
    try:
        yield
    except QueueUnavailable as error:
        if _is_damage(error.__cause__):
            raise CorruptSpool(f"{path}: {error.__cause__}") from error
        raise
    except TypeError as error:  # bits that tell a value's type have changed
        raise CorruptSpool(f"{path}: a column holds a value of another type: {error}") from error


def _is_damage(error: BaseException | None) -> bool:
    """Those that pass, as a full disk, are subclasses of SQLite's error; so is what can't be text, which doesn't."""
    return type(error) is sqlite3.DatabaseError or "Could not decode to UTF-8" in str(error)


@contextmanager
def _telling_that_it_is_gone(path: Path) -> Iterator[None]:
    """Of a missing file: what the queue file advises is for the embedded queue."""
    try:
        yield
    except QueueUnavailable as error:
        try:
            os.stat(path)
        except FileNotFoundError:
            raise QueueUnavailable(
                f"there is no spool {path}: only a gateway makes it, in the folder that SLUICE_GATEWAY_SPOOL names"
            ) from error
        raise
