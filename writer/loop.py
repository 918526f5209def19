"""A writer process at work: its memberships of the groups that write its signals, and what they share."""

import asyncio
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from shared.clock import Clock
from shared.failpoints import Failpoints
from shared.hourly_counts import HourlyCounts
from shared.metrics import Metrics
from shared.queue.base import Lane, Queue
from shared.registry import Registry
from shared.settings import Writer as WriterSettings
from shared.signals.base import Signal
from shared.tasks import end
from shared.tracing import Tracer
from writer.buffer import Limits
from writer.dead_letters import DeadLetters, LetterLimit
from writer.handover import Handover
from writer.lag import Held, watch_lag
from writer.lane_deps import LaneDeps
from writer.liveness import Liveness
from writer.member import RECEIVE_S, Member
from writer.rules_book import RulesBook
from writer.sink import Sink

LEAST_BYTES = 1_000_000
"""The smallest share of a lane, however many there are: stuck lanes never stop the others."""


@dataclass(frozen=True)
class Neighbours:
    """What a writer process talks to."""

    queue: Queue
    sink: Sink
    rules: RulesBook
    counts: HourlyCounts
    tracer: Tracer | None = None


class WriterLoop:
    """Writes some signals: a `Member` for each group that writes one of them.

    1. Memory, threads and connections are shared: at most about `held_bytes` of messages (a setting) are in memory,
       however long the backlog, and however many groups.
    2. The process is alive while the receive loop of every member turns.
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
        self._settings = settings
        self._queue = queue = neighbours.queue
        self._producer = queue.producer()
        metrics.in_flight_bytes.set_function(lambda: self._producer.in_flight_bytes)
        self._builder = ThreadPoolExecutor(1, thread_name_prefix="builder")
        groups = registry.groups(settings.group)
        self._deps = LaneDeps(
            queue=queue,
            sink=neighbours.sink,
            rules=neighbours.rules,
            letters=DeadLetters(self._producer),
            builder=self._builder,
            metrics=metrics,
            failpoints=failpoints,
            limits=Limits(settings.batch_rows, settings.batch_bytes, settings.batch_age_s),
            letter_limit=LetterLimit(settings.letter_share, settings.letter_share_from, settings.letter_run),
            counts=neighbours.counts,
            handover=Handover(queue, groups),
            session_timeout_s=settings.session_timeout_s,
            backoff_max_s=settings.backoff_max_s,
            clock=clock,
            tracer=neighbours.tracer,
        )
        self._liveness = Liveness(metrics, settings.liveness_file)
        by_topic = {signal.topic: signal for signal in signals}
        self._members = [
            Member(group, [by_topic[topic] for topic in topics], registry, self._deps, self)
            for group, topics in groups.topics(by_topic).items()
        ]

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, then flush for a bounded time and leave the groups."""
        lag = asyncio.create_task(watch_lag(self._queue, self, self._deps.metrics.lag))
        await self._producer.start()
        running = [asyncio.create_task(member.run(stop, self._settings.shutdown_s)) for member in self._members]
        try:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            await end(lag, *running)
            await self._end()

    @property
    def beat_at(self) -> float:
        """When the slowest of the receive loops has last turned, monotonic seconds."""
        return min(member.beat_at for member in self._members)

    def states(self) -> list[dict[str, Any]]:
        """For /health: one entry a lane, what it holds and what it waits for."""
        states = [state for member in self._members for state in member.states()]
        return sorted(states, key=lambda state: (state["topic"], state["partition"]))

    # What is asked and told by who watches the lag.

    def held(self) -> dict[Lane, Held]:
        return {lane: held for member in self._members for lane, held in member.held().items()}

    def holes(self, lane: Lane, first: int, end: int) -> None:
        for member in self._members:
            member.holes(lane, first, end)

    # What the members share.

    def share(self) -> int:
        """The bytes that a lane may hold: those that hold something share what the process may."""
        active = sum(member.active for member in self._members)
        return min(max(LEAST_BYTES, self._settings.held_bytes // max(1, active)), 2 * self._deps.limits.bytes)

    def turned(self) -> None:
        """Show that the process is alive, as alive as its slowest member."""
        if self._liveness.due(beat_at := self.beat_at):
            self._liveness.update(beat_at, self.states())

    def idle_receive_s(self) -> float:
        """However many members there are, they turn as often as one."""
        return RECEIVE_S * len(self._members)

    def is_busy(self) -> bool:
        return any(member.is_busy for member in self._members)

    async def _end(self) -> None:
        for member in self._members:
            member.forget()
        self._deps.sink.abort()
        await asyncio.gather(*(member.leave() for member in self._members))
        await self._producer.stop()
        self._builder.shutdown(wait=False, cancel_futures=True)
