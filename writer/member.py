"""A writer's membership of one group: it receives for its lanes, and a `LaneWriter` begins and ends with each
assignment."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

import structlog

from shared.queue.base import Lane, QueueUnavailable
from shared.registry import Registry
from shared.signals.base import Signal
from writer.batcher import Batcher
from writer.converter import Converter
from writer.failures import Backoff
from writer.lag import Held
from writer.lane import LaneWriter
from writer.lane_deps import LaneDeps

_log = structlog.get_logger(__name__)

RECEIVE_S = 0.05
RECEIVE_MESSAGES = 2_000


class Common(Protocol):
    """What a process's members share beside their lanes' neighbours."""

    def share(self) -> int:
        """The bytes that a lane may hold now."""

    def turned(self) -> None:
        """Called with each turn of a receive loop."""

    def idle_receive_s(self) -> float:
        """How long a member whose lanes hold nothing may wait for messages."""

    def is_busy(self) -> bool:
        """Whether a lane of any member is at work: until none is, all members stay alive."""


class Member:
    """Feeds the lanes of the signals that one group writes.

    1. A lane that holds enough is paused; the group membership is kept alive whatever the lanes do.
    2. One `LaneWriter` a lane: a new one starts when the last insert of the old one has ended.
    """

    def __init__(
        self,
        group: str,
        signals: Iterable[Signal],
        registry: Registry,
        deps: LaneDeps,
        common: Common,
    ) -> None:
        self._signals = {signal.topic: signal for signal in signals}
        self._converters = {
            topic: Converter(signal.table, registry.formats_of(signal)) for topic, signal in self._signals.items()
        }
        self._deps = deps
        self._common = common
        self._consumer = deps.queue.consumer(group, self._signals, self)
        self._lanes: dict[Lane, LaneWriter] = {}
        self._tasks: dict[Lane, asyncio.Task[None]] = {}
        self._leaving: dict[Lane, set[asyncio.Task[None]]] = defaultdict(set)
        self._paused: set[Lane] = set()
        self._fatal: BaseException | None = None
        self._stopping = False
        self._backoff = Backoff(deps.backoff_max_s)
        self.beat_at = time.monotonic()

    async def run(self, stop: asyncio.Event, flush_s: float) -> None:
        """Receive until `stop` is set, then let the lanes finish what they hold, for `flush_s` at most; the rest is
        still in the queue."""
        await self._consumer.start()
        while not stop.is_set():
            await self._receive(self._hungry())
            if self._fatal:
                raise self._fatal
        self._stopping = True
        deadline = time.monotonic() + flush_s
        for writer in self._lanes.values():
            writer.stop()
        while self._common.is_busy() and time.monotonic() < deadline:
            await self._receive({})

    def forget(self) -> None:
        """End all lanes; what they insert may still be under way."""
        for lane in list(self._lanes):
            self._forget(lane)

    async def leave(self) -> None:
        """Leave the group when the last insert has ended."""
        leaving = [task for tasks in self._leaving.values() for task in tasks]
        await asyncio.gather(*leaving, return_exceptions=True)
        await self._consumer.stop()

    @property
    def active(self) -> int:
        """How many lanes hold something."""
        return sum(writer.held_bytes > 0 for writer in self._lanes.values())

    @property
    def is_busy(self) -> bool:
        """Whether a lane is at work."""
        return any(not task.done() for task in self._tasks.values())

    # AssignmentListener

    def assigned(self, lanes: frozenset[Lane]) -> None:
        if self._stopping:
            return  # the members that remain when we have left get them
        for lane in lanes:
            self._forget(lane)
            signal, converter = self._signals[lane.topic], self._converters[lane.topic]
            writer = self._lanes[lane] = LaneWriter(lane, self._consumer, signal, converter, self._deps)
            task = self._tasks[lane] = asyncio.create_task(_run_after(frozenset(self._leaving[lane]), writer))
            task.add_done_callback(self._ended)

    def revoked(self, lanes: frozenset[Lane]) -> None:
        for lane in lanes:
            if writer := self._lanes.get(lane):
                writer.left()
            self._forget(lane)

    # For /health and the lag.

    def states(self) -> list[dict[str, Any]]:
        """One entry a lane: what it holds and what it waits for."""
        now = time.monotonic()
        return [
            {
                "topic": lane.topic,
                "partition": lane.partition,
                "committed": writer.committed,
                "held_bytes": writer.held_bytes,
                "doubtful": writer.doubtful,
                "waiting": {
                    what: {"reason": wait.detail, "tries": wait.tries, "seconds": round(now - wait.since, 1)}
                    for what, wait in writer.waiting.waits.items()
                },
            }
            for lane, writer in self._lanes.items()
        ]

    def held(self) -> dict[Lane, Held]:
        return {
            lane: Held(writer.committed, writer.batcher.first_held_ms if writer.batcher else None)
            for lane, writer in self._lanes.items()
            if writer.committed is not None
        }

    def holes(self, lane: Lane, first: int, end: int) -> None:
        """See `Batcher.holes`; a lane that is not here is another's."""
        writer = self._lanes.get(lane)
        if writer is not None and writer.batcher is not None:
            writer.batcher.holes(first, end)

    # Inside.

    async def _receive(self, hungry: Mapping[Lane, Batcher]) -> None:
        """One turn: receive messages for the lanes that have room."""
        self.beat_at = time.monotonic()
        self._common.turned()
        # A lane that is paused must be read as soon as it has room; without one a longer wait costs less.
        timeout_s = RECEIVE_S if self.active else self._common.idle_receive_s()
        try:
            received = await self._consumer.receive(hungry, timeout_s=timeout_s, max_messages=RECEIVE_MESSAGES)
        except QueueUnavailable as error:
            self._deps.metrics.retries.labels("receive", type(error).__name__).inc()
            if self._backoff.tries == 0:
                _log.warning("the queue can't be read", error=str(error))
            await asyncio.sleep(self._backoff.next_s())
            return
        self._backoff.tries = 0
        for lane, messages in received.items():
            writer, batcher = self._lanes.get(lane), hungry[lane]
            if writer and writer.takes_for(batcher):
                batcher.feed(messages)

    def _hungry(self) -> dict[Lane, Batcher]:
        """The lanes to read now; the others are paused.

        Half of a lane's share is for the batch that is being inserted, half for the next one.
        """
        share = self._common.share()
        hungry: dict[Lane, Batcher] = {}
        for lane, writer in self._lanes.items():
            batcher = writer.batcher
            if batcher is not None and (batcher.held_bytes < share or batcher.buffer.must_go_on):
                batcher.buffer.seal_bytes = share // 2
                hungry[lane] = batcher
        full = {lane for lane in self._lanes if lane not in hungry}
        self._consumer.pause(full - self._paused)
        self._consumer.resume(self._paused & hungry.keys())
        self._paused = full
        return hungry

    def _forget(self, lane: Lane) -> None:
        self._lanes.pop(lane, None)
        self._paused.discard(lane)
        if task := self._tasks.pop(lane, None):
            task.cancel()
            self._leaving[lane].add(task)
            task.add_done_callback(self._leaving[lane].discard)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._fatal = self._fatal or task.exception()


async def _run_after(former: Collection[asyncio.Task[None]], writer: LaneWriter) -> None:
    """A lane that returns waits until the last inserts of its previous writers have ended."""
    if former:
        await asyncio.wait(former)
    await writer.run()
