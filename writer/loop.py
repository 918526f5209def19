"""The writer's one receive loop: it feeds the lanes, and its beat shows that the process is alive."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import structlog

from shared.clock import Clock
from shared.hourly_counts import HourlyCounts
from shared.metrics import Metrics
from shared.queue.base import Lane, Queue, QueueUnavailable
from shared.registry import Registry
from shared.settings import Writer as WriterSettings
from shared.signals.base import Signal
from writer.batcher import Batcher
from writer.buffer import Limits
from writer.converter import Converter
from writer.dead_letters import DeadLetters, LetterLimit
from writer.failpoints import Failpoints
from writer.failures import Backoff
from writer.lag import Held, watch_lag
from writer.lane import LaneWriter
from writer.lane_deps import LaneDeps
from writer.liveness import Liveness
from writer.rules_book import RulesBook
from writer.sink import Sink

_log = structlog.get_logger(__name__)

LEAST_BYTES = 1_000_000
"""The smallest share of a lane, however many there are: stuck lanes never stop the others."""

RECEIVE_S = 0.05
RECEIVE_MESSAGES = 2_000


@dataclass(frozen=True)
class Neighbours:
    """What a writer process talks to."""

    queue: Queue
    sink: Sink
    rules: RulesBook
    counts: HourlyCounts


class WriterLoop:
    """Receives for all lanes of some signals, and starts and ends a `LaneWriter` with each assignment.

    1. A lane that holds enough is paused; the group membership is kept alive whatever the lanes do.
    2. At most about `held_bytes` of messages (a setting) are in memory, however long the backlog.
    3. One `LaneWriter` a lane: a new one starts when the last insert of the old one has ended.
    """

    def __init__(
        self,
        neighbours: Neighbours,
        registry: Registry,
        signals: Iterable[Signal],
        settings: WriterSettings,
        metrics: Metrics,
        failpoints: Failpoints,
        clock: Clock = time.time_ns,
    ) -> None:
        self._signals = {signal.topic: signal for signal in signals}
        self._converters = {
            signal.name: Converter(signal.table, registry.formats_of(signal)) for signal in self._signals.values()
        }
        self._settings = settings
        self._queue = queue = neighbours.queue
        self._producer = queue.producer()
        metrics.in_flight_bytes.set_function(lambda: self._producer.in_flight_bytes)
        self._consumer = queue.consumer(settings.group, self._signals, self)
        self._builder = ThreadPoolExecutor(1, thread_name_prefix="builder")
        self._deps = LaneDeps(
            queue=queue,
            consumer=self._consumer,
            sink=neighbours.sink,
            rules=neighbours.rules,
            letters=DeadLetters(self._producer),
            builder=self._builder,
            metrics=metrics,
            failpoints=failpoints,
            limits=Limits(settings.batch_rows, settings.batch_bytes, settings.batch_age_s),
            letter_limit=LetterLimit(settings.letter_share, settings.letter_share_from, settings.letter_run),
            counts=neighbours.counts,
            session_timeout_s=settings.session_timeout_s,
            backoff_max_s=settings.backoff_max_s,
            clock=clock,
        )
        self._lanes: dict[Lane, LaneWriter] = {}
        self._tasks: dict[Lane, asyncio.Task[None]] = {}
        self._leaving: dict[Lane, asyncio.Task[None]] = {}
        self._paused: set[Lane] = set()
        self._fatal: BaseException | None = None
        self._stopping = False
        self._backoff = Backoff(settings.backoff_max_s)
        self._liveness = Liveness(metrics, settings.liveness_file)
        self.beat_at = time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, then flush for a bounded time and leave the group."""
        lag = asyncio.create_task(watch_lag(self._queue, self._held, self._deps.metrics.lag))
        await self._producer.start()
        await self._consumer.start()
        try:
            while not stop.is_set():
                await self._receive(self._hungry())
                if self._fatal:
                    raise self._fatal
            await self._flush()
        finally:
            lag.cancel()
            await self._end()

    # AssignmentListener

    def assigned(self, lanes: frozenset[Lane]) -> None:
        if self._stopping:
            return  # the members that remain when we have left get them
        epochs = self._consumer.epochs()
        for lane in lanes:
            self._forget(lane)
            signal = self._signals[lane.topic]
            converter = self._converters[signal.name]
            writer = self._lanes[lane] = LaneWriter(lane, epochs[lane], signal, converter, self._deps)
            task = self._tasks[lane] = asyncio.create_task(_run_after(self._leaving.pop(lane, None), writer))
            task.add_done_callback(self._ended)

    def revoked(self, lanes: frozenset[Lane]) -> None:
        for lane in lanes:
            if writer := self._lanes.get(lane):
                writer.left()
            self._forget(lane)

    # For /health.

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
            for lane, writer in sorted(self._lanes.items())
        ]

    # Inside.

    async def _receive(self, hungry: Mapping[Lane, Batcher]) -> None:
        """One turn: receive messages for the lanes that have room."""
        self.beat_at = now = time.monotonic()
        if self._liveness.due(now):
            self._liveness.update(now, self.states())
        try:
            received = await self._consumer.receive(hungry, timeout_s=RECEIVE_S, max_messages=RECEIVE_MESSAGES)
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
        active = sum(writer.held_bytes > 0 for writer in self._lanes.values())
        share = min(max(LEAST_BYTES, self._settings.held_bytes // max(1, active)), 2 * self._deps.limits.bytes)
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

    async def _flush(self) -> None:
        """Let the lanes finish what they hold, for a bounded time; the rest is still in the queue."""
        self._stopping = True
        deadline = time.monotonic() + self._settings.shutdown_s
        for writer in self._lanes.values():
            writer.stop()
        while any(not task.done() for task in self._tasks.values()) and time.monotonic() < deadline:
            await self._receive({})

    async def _end(self) -> None:
        for lane in list(self._lanes):
            self._forget(lane)
        self._deps.sink.abort()
        await asyncio.gather(*self._leaving.values(), return_exceptions=True)
        await self._consumer.stop()
        await self._producer.stop()
        self._builder.shutdown(wait=False, cancel_futures=True)

    def _forget(self, lane: Lane) -> None:
        self._lanes.pop(lane, None)
        self._paused.discard(lane)
        if task := self._tasks.pop(lane, None):
            task.cancel()
            self._leaving[lane] = task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self._fatal = self._fatal or task.exception()

    def _held(self) -> dict[Lane, Held]:
        return {
            lane: Held(writer.committed, writer.batcher.first_held_ms if writer.batcher else None)
            for lane, writer in self._lanes.items()
            if writer.committed is not None
        }


async def _run_after(former: asyncio.Task[None] | None, writer: LaneWriter) -> None:
    """A lane that returns waits until its previous writer's last insert has ended."""
    if former is not None:
        await asyncio.wait({former})
    await writer.run()
