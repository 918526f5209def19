"""Publishing into the queue file."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from zlib import crc32

from shared.queue.base import Lane, MessageTooLarge, Published, QueueError, QueueFull, QueueUnavailable, TopicSpec
from shared.queue.sqlite import catalog, retention
from shared.queue.sqlite.group_commit import Commit, full, store
from shared.queue.sqlite.last_commit import LastCommit
from shared.queue.sqlite.limits import Limits
from shared.queue.sqlite.worker import Worker
from shared.queue.sticky import StickyPartition

_LOOK_AGAIN_S = 0.25  # how long an unknown topic or a full queue is refused without looking again


class SqliteProducer:
    """A `Producer` with group commit.

    1. Everything published in this process while a transaction is being synced goes into the next one, all topics.
    2. Packing, storing and syncing happen on a thread; the event loop pays for a list and a future a message.
    3. A publish whose commit fails is not tried again: the caller decides.
    """

    def __init__(self, path: Path, limits: Limits, clock_ms: Callable[[], int], last_commit: LastCommit) -> None:
        self._worker = Worker(path, "publish", lock_timeout_s=limits.lock_timeout_s)
        self._reader = Worker(path, "topics", lock_timeout_s=limits.lock_timeout_s)
        self._limits = limits
        self._clock_ms = clock_ms
        self._last_commit = last_commit
        self._topics: dict[str, _Topic] = {}
        self._file_id = ""
        self._gathering = Commit()
        self._arrived = asyncio.Event()
        self._in_flight = 0
        self._full_until = 0.0
        self._look_again_at = 0.0
        self._looking = asyncio.Lock()
        self._open = False
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._open = True
        self._tasks = [asyncio.create_task(self._commit_groups()), asyncio.create_task(self._tidy())]

    async def stop(self) -> None:
        if not self._open:
            return
        self._open = False
        self._arrived.set()
        committing, tidying = self._tasks
        tidying.cancel()
        await asyncio.wait([committing], timeout=self._limits.publish_timeout_s)
        committing.cancel()
        await asyncio.wait(self._tasks)
        self._gathering.refuse(QueueUnavailable("the producer was stopped"))
        self._gathering.close()
        await self._worker.close()
        await self._reader.close()

    @property
    def in_flight_bytes(self) -> int:
        return self._in_flight

    def check(self) -> None:
        """`SqliteQueue.ping` finds out by writing."""

    async def publish(self, topic: str, value: bytes, key: bytes | None = None) -> Published:
        known = self._topics.get(topic) or await self._look_up(topic)
        size = len(value) + (len(key) if key else 0)
        self._admit(known.spec, key, size)
        if not self._gathering.batches:
            self._gathering.give_up_after(self._limits.publish_timeout_s)
            self._arrived.set()
        self._in_flight += size
        lane = known.lane(key, size, time.time())
        return await self._gathering.add(lane, (key, value), size=size, compacted=known.spec.compacted)

    def _admit(self, spec: TopicSpec, key: bytes | None, size: int) -> None:
        if size > spec.max_message_bytes:
            raise MessageTooLarge(f"{size} bytes, topic {spec.name} takes {spec.max_message_bytes} in one message")
        if spec.compacted and key is None:
            raise QueueError(f"topic {spec.name} is compacted: its messages need a key")
        if not self._open:
            raise QueueUnavailable("the producer is not running")
        if self._in_flight + size > self._limits.in_flight_bytes:
            raise QueueFull(f"{self._in_flight:,} bytes wait to be written to the queue file: its disk is too slow")
        # Once refused, one commit is let through now and then: its transaction finds out whether there is room again.
        if self._full_until and not spec.compacted and time.monotonic() < self._full_until:
            raise full(self._limits.size_bytes)

    async def _look_up(self, topic: str) -> "_Topic":
        """Find a topic in the file, reading it at most every `_LOOK_AGAIN_S`, however many publish to it."""
        async with self._looking:
            if topic not in self._topics and time.monotonic() >= self._look_again_at:
                self._look_again_at = time.monotonic() + _LOOK_AGAIN_S
                specs = await self._reader.read(catalog.topics)
                self._topics = {name: self._topics.get(name) or _Topic(spec) for name, spec in specs.items()}
                self._file_id = self._reader.file_id
        try:
            return self._topics[topic]
        except KeyError:
            raise QueueUnavailable(f"the queue has no topic {topic}: run `sluice migrate`") from None

    async def _commit_groups(self) -> None:
        while self._open or self._gathering.batches:
            await self._arrived.wait()
            self._arrived.clear()
            due = time.monotonic() + self._limits.commit_interval_s
            commit, self._gathering = self._gathering, Commit()
            if commit.batches:
                await self._store(commit)
            await asyncio.sleep(due - time.monotonic() if self._open else 0)

    async def _store(self, commit: Commit) -> None:
        batches = list(commit.batches.values())
        for batch in batches:
            batch.forget_given_up()
        work = partial(store, batches=batches, size_limit=self._limits.size_bytes, clock_ms=self._clock_ms)
        try:
            offsets = await self._worker.run(work)
            if self._worker.file_id != self._file_id:
                self._topics, self._look_again_at = {}, 0.0  # another file may have other topics
        except asyncio.CancelledError:
            commit.refuse(QueueUnavailable("the producer was stopped before the queue confirmed the message"))
            raise
        except Exception as error:
            self._topics = {}  # the file may be another one by now
            self._last_commit.refused_bytes = commit.bytes
            commit.refuse(error)
        else:
            self._last_commit.refused_bytes = 0
            self._full_until = time.monotonic() + _LOOK_AGAIN_S if None in offsets else 0.0
            for batch, first in zip(batches, offsets, strict=True):
                batch.refuse(full(self._limits.size_bytes)) if first is None else batch.acknowledge(first)
        finally:
            commit.close()
            self._in_flight -= commit.bytes

    async def _tidy(self) -> None:
        """Now and then drop what is consumed and past its retention, a little a transaction."""
        while True:
            await asyncio.sleep(self._limits.tidy_interval_s)
            with suppress(QueueUnavailable):
                while await self._worker.write(lambda db: retention.drop_expired(db, self._clock_ms())):
                    pass


class _Topic:
    """A topic as the producer knows it."""

    def __init__(self, spec: TopicSpec) -> None:
        self.spec = spec
        self._lanes = [Lane(spec.name, partition) for partition in range(spec.partitions)]
        self._sticky = StickyPartition(spec.partitions)

    def lane(self, key: bytes | None, size: int, now_s: float) -> Lane:
        if key is None:
            return self._lanes[self._sticky.choose(size, now_s)]
        return self._lanes[crc32(key) % len(self._lanes)]
