"""One lane's life: take over, then seal, plan, insert, verify, commit, for as long as it is ours (02-delivery)."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass

import structlog

from shared.clock import Clock
from shared.metrics import Metrics
from shared.queue.base import Consumer, Epoch, Fenced, Lane, Message, Position, Queue
from shared.signals.base import Signal
from writer.batch import Batch, make_batch
from writer.buffer import Buffer, Draft, Limits, WentBack
from writer.converter import Converter
from writer.dead_letters import DeadLetters, Letter, LetterLimit, Tally, gap
from writer.delivery import Delivery, Poison
from writer.failpoints import Failpoints
from writer.failures import Backoff
from writer.position import Gap, Start, lost_in, starting_point
from writer.sink import Sink
from writer.tables import UnfitTable
from writer.waiting import Stopped, Waiting

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class LaneDeps:
    """What all lanes of a process share."""

    queue: Queue
    consumer: Consumer
    sink: Sink
    letters: DeadLetters
    builder: Executor
    """One thread: two would only wait for each other's interpreter lock."""
    metrics: Metrics
    failpoints: Failpoints
    limits: Limits
    letter_limit: LetterLimit
    session_timeout_s: float
    backoff_max_s: float
    clock: Clock = time.time_ns


class LaneWriter:
    """Makes each record of one lane exactly one row, during one epoch of ownership.

    1. Nothing is read before the committed position was, and nothing is inserted that wasn't planned.
    2. What can't be stored is dead-lettered, and acknowledged, before its batch is planned.
    3. The position moves past a batch only when all its rows are in the table.
    4. When the lane belongs to somebody else, everything is forgotten: it is all still in the queue.
    """

    def __init__(self, lane: Lane, epoch: Epoch, signal: Signal, converter: Converter, deps: LaneDeps) -> None:
        self.lane = lane
        self.epoch = epoch
        self.buffer: Buffer | None = None
        """Where the receive loop puts messages; None while there is no position to read from. A new one a position."""
        self.committed: int | None = None
        self._signal = signal
        self._converter = converter
        self._deps = deps
        self._log = _log.bind(topic=lane.topic, partition=lane.partition)
        self.waiting = Waiting(self._log, deps.metrics, max_s=deps.backoff_max_s)
        self._delivery = self._new_delivery()
        self._tally = Tally(deps.letter_limit)
        self._careful_end = 0
        self._went_back: WentBack | None = None
        self._planned_at = 0.0
        self._in_work_bytes = 0
        self._in_work_ms: deque[int] = deque()
        self._wake = asyncio.Event()

    # What the receive loop calls.

    @property
    def held_bytes(self) -> int:
        """Bytes of messages that wait here or are on their way into the table."""
        return self._in_work_bytes + (self.buffer.bytes if self.buffer else 0)

    @property
    def first_held_ms(self) -> int | None:
        """When the queue took the first message that is held here, Unix milliseconds; None for no message."""
        if self._in_work_ms:
            return self._in_work_ms[0]
        return self.buffer.first_ms if self.buffer else None

    def feed(self, buffer: Buffer, messages: Sequence[Message]) -> None:
        """Take messages that were received while `buffer` was ours.

        If it is another one by now, there was a seek in between, and nobody knows on which side of it these messages
        were read: they are dropped, and read again.
        """
        if buffer is not self.buffer:
            if self.buffer is not None:
                self._deps.consumer.seek(self.lane, self.buffer.next_offset)
            return
        if self._went_back:
            return
        now = time.monotonic()
        try:
            for message in messages:
                buffer.add(self._converter.read(message), now)
        except WentBack as back:
            self._went_back = back
        self._wake.set()

    def stop(self) -> None:
        """Flush what is here, then end."""
        self.waiting.stopping.set()
        self._wake.set()

    def left(self) -> None:
        """The lane is not ours any more: what is here is left to its new owner."""
        if self.held_bytes:
            self._deps.metrics.fenced.labels(self.lane.topic).inc()
        self._log.warning("lane left to its new owner", held_bytes=self.held_bytes)
        self.buffer, self._in_work_bytes = None, 0

    async def run(self) -> None:
        """Until stopped or fenced. Raises `UnfitTable`; anything else unexpected is logged and begun anew."""
        backoff = Backoff(self._deps.backoff_max_s)
        try:
            while not self.waiting.stopping.is_set():
                try:
                    await self._take_over()
                    await self._deliver()
                except Poison as poison:
                    self._log.error("ClickHouse refuses the data: going message by message", error=str(poison))
                except WentBack as back:
                    self._log.error("offsets went back: reading on from there", error=str(back))
                except (UnfitTable, Fenced, Stopped):
                    raise
                except Exception as error:
                    self._log.exception("the lane failed and begins anew")
                    await self.waiting.pause("lane", error, backoff, stoppable=True)
        except Fenced:
            self.left()
        except Stopped:
            pass
        finally:
            self.buffer = None

    # Step 1.

    async def _take_over(self) -> None:
        self.buffer = None
        self._in_work_bytes = 0
        self._in_work_ms.clear()
        self._delivery = self._new_delivery()
        self._tally = Tally(self._deps.letter_limit)
        start = await self.waiting.until_done("position", self._start, stoppable=True)
        if start.lost:
            await self._mark_gaps([start.lost])
        if start.went_back:
            self._log.error("the queue holds less than was committed: reading all of it again")
        exact_end = start.exact_end if start.exact_end > self._careful_end else 0
        self.committed = start.offset
        self._went_back = None
        self._deps.consumer.seek(self.lane, start.offset)
        self.buffer = Buffer(self._deps.limits, start.offset, exact_end=exact_end, careful_end=self._careful_end)
        self._log.info("lane taken over", offset=start.offset, planned_end=exact_end or None, epoch=self.epoch)

    async def _start(self) -> Start:
        lanes, queue = [self.lane], self._deps.queue
        committed = (await self._deps.consumer.committed(lanes))[self.lane]
        begin, end = (await queue.begin_offsets(lanes))[self.lane], (await queue.end_offsets(lanes))[self.lane]
        if self._went_back and committed is not None and self._went_back.offset < committed.offset:
            return Start(begin, went_back=True)
        return starting_point(committed, begin, end)

    def _new_delivery(self) -> Delivery:
        deps = self._deps
        return Delivery(
            self._signal.table,
            deps.sink,
            self.waiting,
            deps.metrics,
            deps.failpoints,
            self._still_ours,
            deps.clock,
        )

    # Steps 2 to 6.

    async def _deliver(self) -> None:
        """Batch after batch; the next one is made while the present one is inserted."""
        batch = await self._next()
        if batch:
            await self._commit(batch.plan)
        while batch:
            self._deps.failpoints.reach("after_plan")
            ahead = asyncio.create_task(self._next())
            try:
                await self._store(batch)
                if ahead.done() and not ahead.exception() and (following := ahead.result()):
                    await self._commit(following.plan)  # the plan of one is the end of the other
                    self._finished(batch)
                else:
                    await self._commit(batch.done)
                    self._finished(batch)
                    if following := await ahead:
                        await self._commit(following.plan)
                batch = following
            finally:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)

    async def _next(self) -> Batch | None:
        """The next batch, its letters published; None when the writer stops and nothing is left."""
        draft = await self._next_draft()
        if draft is None:
            return None
        self._in_work_ms.append(draft.entries[0].message.timestamp_ms)
        if draft.blocked:
            await self.waiting.for_ever(
                "message", "blocked", f"offset {draft.entries[0].message.offset}: {draft.blocked}"
            )
        self._in_work_bytes += draft.bytes
        made = await asyncio.get_running_loop().run_in_executor(
            self._deps.builder, self._converter.convert, self.lane, draft.entries, self._deps.clock() // 1000
        )
        if draft.jumps and (lost := await self.waiting.until_done("position", lambda: self._lost(draft))):
            await self._mark_gaps(lost)
        await self._bury(made.letters, made.rows)
        return make_batch(self.lane, draft, made)

    async def _next_draft(self) -> Draft | None:
        buffer = self.buffer
        while buffer is not None and not self._went_back:
            now = time.monotonic()
            stopping = self.waiting.stopping.is_set()
            if draft := buffer.take(now, flush=stopping):
                return draft
            if stopping:
                return None
            self._wake.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), buffer.due_in(now))
        if self._went_back:
            raise self._went_back
        return None

    async def _store(self, batch: Batch) -> None:
        try:
            await self._delivery.store(batch)
        except Poison as poison:
            if batch.message is None:
                self._careful_end = batch.end
                raise
            await self._store_row_by_row(batch, batch.message, poison)

    async def _store_row_by_row(self, batch: Batch, message: Message, poison: Poison) -> None:
        self._log.error("ClickHouse refuses a message: going row by row", offset=batch.first, error=str(poison))
        self._delivery.trusted = False
        refused = await self._delivery.store_row_by_row(batch)
        indices = batch.columns["_index"]
        letters = [
            self._converter.letter_of_row(self.lane, message, indices[row], reason) for row, reason in refused.items()
        ]
        await self._bury(letters, batch.rows - len(letters))

    async def _bury(self, letters: list[Letter], good_rows: int) -> None:
        """Publish dead letters, unless they are so many that something else must be wrong."""
        if too_many := self._tally.exceeded(len(letters), good_rows):
            advice = "mend the cause, or raise that setting, and restart the writer"
            await self.waiting.for_ever("dead letters", "limit", f"{too_many}: {advice}. {letters[0].detail}")
        if not letters:
            return
        topic, now_ms = self._signal.dead_letter_topic, self._deps.clock() // 1_000_000
        await self.waiting.until_done("dead letters", lambda: self._deps.letters.publish(topic, letters, now_ms))
        for letter in letters:
            self._deps.metrics.dead_letters.labels(self.lane.topic, letter.reason).inc()
        first = letters[0]
        self._log.error("dead letters", count=len(letters), offset=first.offset, index=first.index, reason=first.detail)
        self._deps.failpoints.reach("after_letters")

    async def _commit(self, position: Position) -> None:
        """Raises `Fenced`: it is not ours any more."""
        asked_at = time.monotonic()
        await self.waiting.until_done("commit", lambda: self._deps.consumer.commit(self.lane, position, self.epoch))
        self._planned_at = asked_at

    async def _still_ours(self, batch: Batch) -> None:
        """Right before each try of an insert: nobody else can have taken the lane since it was planned."""
        if self._deps.consumer.epochs().get(self.lane) != self.epoch:
            raise Fenced(f"{self.lane} is not ours under {self.epoch} any more")
        now = time.monotonic()
        if now - self._planned_at > self._deps.session_timeout_s:
            await self._deps.consumer.commit(self.lane, batch.plan, self.epoch)
            self._planned_at = now

    def _finished(self, batch: Batch) -> None:
        """The batch is stored and committed."""
        metrics, table = self._deps.metrics, self._signal.table.name
        self.committed = batch.end
        self._in_work_bytes -= batch.bytes
        self._in_work_ms.popleft()
        metrics.rows.labels(table).inc(batch.rows)
        metrics.batch_rows.labels(table).observe(batch.rows)
        metrics.batch_age_seconds.labels(table).observe(max(0.0, time.time() - batch.received_at / 1e6))
        if batch.expired:
            metrics.dropped(self._signal.name, "expired", batch.expired)
        self._deps.failpoints.reach("after_done")

    async def _lost(self, draft: Draft) -> list[Gap]:
        begin = (await self._deps.queue.begin_offsets([self.lane]))[self.lane]
        return lost_in(draft.jumps, begin)

    async def _mark_gaps(self, gaps: list[Gap]) -> None:
        """Leave a marker of each beside the dead letters, before the position moves past: nobody else would know."""
        topic, now_ms = self._signal.dead_letter_topic, self._deps.clock() // 1_000_000
        markers = [gap(self.lane, first, end) for first, end in gaps]
        await self.waiting.until_done("gaps", lambda: self._deps.letters.publish(topic, markers, now_ms))
        for marker in markers:
            self._deps.metrics.gaps.labels(self.lane.topic).inc(marker.end - marker.offset)
            self._log.error(marker.detail, first=marker.offset, end=marker.end)
