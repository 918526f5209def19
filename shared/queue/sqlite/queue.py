"""The embedded queue: a whole queue in one SQLite file."""

import asyncio
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from os import PathLike
from pathlib import Path

from shared.queue.base import (
    AssignmentListener,
    Group,
    Lane,
    Message,
    Position,
    QueueError,
    QueueUnavailable,
    Room,
    TopicSpec,
    TopicState,
    UnfitTopic,
)
from shared.queue.sqlite import catalog, groups, log, retention
from shared.queue.sqlite.catalog import LaneState
from shared.queue.sqlite.consumer import SqliteConsumer, monotonic_ms
from shared.queue.sqlite.file import create
from shared.queue.sqlite.group_commit import full
from shared.queue.sqlite.last_commit import LastCommit
from shared.queue.sqlite.limits import Limits
from shared.queue.sqlite.packing import SEGMENT_BYTES
from shared.queue.sqlite.producer import SqliteProducer
from shared.queue.sqlite.worker import Worker

_PAGE_MESSAGES = 1_000
_PAGE_BYTES = 8_388_608  # unpacked


class SqliteQueue:
    """A `Queue` in one file, for any number of processes of one machine.

    1. A publish returns after its transaction was synced to disk: kill -9 and power cuts lose nothing acknowledged.
    2. Only messages that every group has committed past are ever dropped (`retention.py`).
    3. When there is no room for what is not consumed, publishing is refused; compacted topics always take messages.
    4. The file is made by `create_topics` and by nothing else: a wrong path is an error, not an empty queue.
    """

    def __init__(self, path: str | PathLike[str], limits: Limits, clock_ms: Callable[[], int] | None = None) -> None:
        """`clock_ms` gives the time of appending, Unix milliseconds. Opens nothing yet."""
        if sqlite3.sqlite_version_info < (3, 35):
            raise QueueError(f"the embedded queue needs SQLite 3.35 or newer, this Python has {sqlite3.sqlite_version}")
        self._path = Path(path)
        self._limits = limits
        self._clock_ms = clock_ms or _wall_clock_ms
        self._last_commit = LastCommit()
        self._reader = Worker(self._path, "read", lock_timeout_s=self._limits.lock_timeout_s)
        self._writer = Worker(self._path, "write", lock_timeout_s=self._limits.lock_timeout_s)

    def producer(self) -> SqliteProducer:
        return SqliteProducer(self._path, self._limits, self._clock_ms, self._last_commit)

    def consumer(self, group: str, topics: Iterable[str], listener: AssignmentListener) -> SqliteConsumer:
        return SqliteConsumer(self._path, self._limits, group, topics, listener)

    async def create_topics(self, specs: Iterable[TopicSpec]) -> list[str]:
        await self._writer.run(lambda _: create(self._path, lock_timeout_s=self._limits.lock_timeout_s))
        return await self._writer.write(partial(catalog.create_topics, specs=list(specs)))

    async def check_topics(self, topics: Iterable[str]) -> list[str]:
        known, ours = await self._reader.read(catalog.topics), self._limits.max_message_bytes
        names = sorted(set(topics))
        for spec in (known[name] for name in names if name in known):
            if (most := spec.max_message_bytes) < ours:
                raise UnfitTopic(
                    f"topic {spec.name!r} takes at most {most:,} bytes and our messages may have {ours:,}:"
                    f" set SLUICE_TOPICS_MAX_MESSAGE_BYTES={most}"
                )
        return [name for name in names if name not in known]

    async def topic_states(self, topics: Iterable[str]) -> dict[str, TopicState]:
        known, wanted = await self._reader.read(catalog.topics), frozenset(topics)
        return {name: TopicState(spec.partitions) for name, spec in known.items() if name in wanted}

    async def sizes(self, topics: Iterable[str]) -> dict[str, int]:
        found, wanted = await self._reader.read(retention.sizes), frozenset(topics)
        return {topic: size for topic, size in found.items() if topic in wanted}

    async def rooms(self) -> list[Room]:
        disk = await asyncio.to_thread(shutil.disk_usage, self._path.parent)
        return [Room(f"folder {self._path.parent}", disk.free, disk.total)]

    async def fullness(self) -> float:
        return await self._reader.read(retention.waiting_bytes) / self._limits.size_bytes

    async def lanes(self, topics: Iterable[str]) -> list[Lane]:
        wanted = frozenset(topics)
        return [lane for lane in await self._reader.read(catalog.all_lanes) if lane.topic in wanted]

    async def begin_offsets(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        return await self._reader.read(partial(_of_each, lanes=list(lanes), ask=log.begin_offset))

    async def end_offsets(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        return await self._reader.read(partial(_of_each, lanes=list(lanes), ask=lambda _, state: state.end))

    async def high_watermarks(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        return await self.end_offsets(lanes)  # a transaction of SQLite is seen when it is committed, and as a whole

    async def offsets_at(self, lanes: Iterable[Lane], timestamp_ms: int) -> dict[Lane, int]:
        ask = partial(log.offset_at, timestamp_ms=timestamp_ms)
        return await self._reader.read(partial(_of_each, lanes=list(lanes), ask=ask))

    async def committed(self, group: str, lanes: Iterable[Lane]) -> dict[Lane, Position | None]:
        return await self._reader.read(partial(groups.committed, group=group, lanes=list(lanes)))

    async def groups(self) -> list[Group]:
        return await self._reader.read(lambda db: groups.known(db, monotonic_ms()))

    async def members(self, group: str, topic: str) -> int:
        return await self._reader.read(lambda db: groups.members(db, group, topic, monotonic_ms()))

    async def forget_group(self, group: str) -> None:
        await self._writer.write(lambda db: groups.forget(db, group, monotonic_ms()))

    async def read(self, lane: Lane, first: int, end: int, *, undecided: bool = False) -> AsyncIterator[list[Message]]:
        file_id = ""
        while True:
            messages = await self._reader.read(partial(_page, lane=lane, first=first, end=end))
            if file_id not in ("", self._reader.file_id):
                raise QueueUnavailable(f"the queue file {self._path} was replaced while it was read")
            if not messages:
                return
            file_id = self._reader.file_id
            yield messages
            first = messages[-1].offset + 1

    async def ping(self, topics: Iterable[str] = ()) -> None:
        """Try it: a small transaction, synced to disk. If a commit of this process has failed, one of its size: a full
        disk has room for a small one left. Raises `QueueFull` when the limit leaves no room for a large segment: one
        that is full for messages has nearly always room for a byte."""
        if missing := frozenset(topics) - (await self._reader.read(catalog.topics)).keys():
            raise QueueUnavailable(f"the queue file has no topic {min(missing)}: run `sluice migrate`")
        limit, trial = self._limits.size_bytes, min(self._last_commit.refused_bytes, SEGMENT_BYTES)
        ping = partial(_ping, limit=limit, now_ms=self._clock_ms(), trial_bytes=trial)
        if not await self._writer.write(ping):
            raise full(limit)
        if trial:
            self._last_commit.refused_bytes = 0
            await self._writer.write(lambda db: db.execute("DELETE FROM pings WHERE id = 2"))

    async def close(self) -> None:
        """Close what this object has opened itself; producers and consumers are stopped by their owners."""
        await self._reader.close()
        await self._writer.close()


def _of_each(
    db: sqlite3.Connection, lanes: list[Lane], ask: Callable[[sqlite3.Connection, LaneState], int]
) -> dict[Lane, int]:
    return {lane: ask(db, state) for lane, state in catalog.lanes(db, lanes).items()}


def _page(db: sqlite3.Connection, lane: Lane, first: int, end: int) -> list[Message]:
    state = catalog.lanes(db, [lane])[lane]
    return log.read(db, state, first, min(end, state.end), max_messages=_PAGE_MESSAGES, max_bytes=_PAGE_BYTES)


def _ping(db: sqlite3.Connection, limit: int, now_ms: int, trial_bytes: int) -> bool:
    """False: there is no room for messages."""
    db.execute("INSERT OR REPLACE INTO pings (id, at_ms) VALUES (1, ?)", (now_ms,))
    if trial_bytes:
        db.execute("INSERT OR REPLACE INTO pings (id, at_ms) VALUES (2, randomblob(?))", (trial_bytes,))
    return retention.make_room(db, min(SEGMENT_BYTES, limit // retention.SPARE_SHARE), limit)


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000
