"""One lane's life: take over, then plan, insert, verify, commit batch after batch, while it is ours
(delivery.md, "The writer's protocol")."""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import replace

import structlog

from shared.clients.clickhouse import ClickHouseError
from shared.queue.base import Consumer, Fenced, Lane, Message, Position
from shared.signals.base import Signal
from writer.ages import count_ages
from writer.batch import Batch, Holes
from writer.batcher import Batcher
from writer.buffer import Buffer, WentBack
from writer.converter import Converter
from writer.delivery import Delivery, Poison
from writer.failures import Backoff
from writer.lane_deps import LaneDeps
from writer.lane_letters import LaneLetters
from writer.position import Start, starting_point
from writer.tables import MissingTable, UnfitTable
from writer.waiting import Stopped, Waiting

_log = structlog.get_logger(__name__)


class LaneWriter:
    """Makes each record of one lane exactly one row, during one epoch of ownership.

    1. Nothing is read before the committed position was, and nothing is inserted that wasn't planned.
    2. What can't be stored is dead-lettered, and acknowledged, before its batch is planned.
    3. The position moves past a batch only when all its rows are in the table.
    4. When the lane belongs to another writer, everything is forgotten: it is all still in the queue.
    """

    def __init__(self, lane: Lane, consumer: Consumer, signal: Signal, converter: Converter, deps: LaneDeps) -> None:
        """`consumer` owns the lane."""
        self.batcher: Batcher | None = None
        """Where the receive loop puts messages; None while there is no position to read from. A new one a position."""
        self.committed: int | None = None
        self._lane = lane
        self._consumer = consumer
        self._epoch = consumer.epochs()[lane]
        self._signal = signal
        self._converter = converter
        self._deps = deps
        self._log = _log.bind(topic=lane.topic, partition=lane.partition)
        self.waiting = Waiting(self._log, deps.metrics, max_s=deps.backoff_max_s)
        self._went_back: WentBack | None = None
        self._careful_end = 0
        self._planned_at = 0.0
        self._reset()

    # What the receive loop calls.

    @property
    def held_bytes(self) -> int:
        return self.batcher.held_bytes if self.batcher else 0

    @property
    def doubtful(self) -> bool:
        """Whether it looks at what is there before it inserts (delivery.md, "Doubtful and trusted lanes")."""
        return not self._delivery.trusted

    def takes_for(self, batcher: Batcher) -> bool:
        """Whether messages that were received while `batcher` was ours still belong to it.

        If there is another one by now, the lane was sought in between, and it is unknown on which side of the seek they
        were read: they are dropped, and read again.
        """
        if self.batcher is not None and batcher is not self.batcher:
            self._consumer.seek(self._lane, self.batcher.buffer.next_offset)
        return batcher is self.batcher

    def stop(self) -> None:
        """Flush what is here, then end."""
        self.waiting.stopping.set()
        if self.batcher:
            self.batcher.wake()

    def left(self) -> None:
        """The lane is not ours any more: what is here is left to its new owner."""
        if self.held_bytes:
            self._deps.metrics.fenced.labels(self._lane.topic).inc()
        self._log.warning("lane left to its new owner", held_bytes=self.held_bytes)
        self.batcher = None

    async def run(self) -> None:
        """Until stopped or fenced. Any other error is logged, and the lane taken over again."""
        backoff = Backoff(self._deps.backoff_max_s)
        try:
            while not self.waiting.stopping.is_set():
                try:
                    await self._deliver(await self._take_over())
                except Poison as poison:
                    self._log.error("ClickHouse refuses the data: going message by message", error=str(poison))
                except WentBack as back:
                    self._log.error("offsets went back: reading on from there", error=str(back))
                except UnfitTable as unfit:
                    self._log.error("the table became unfit: the lane waits for it, and begins again", error=str(unfit))
                except (Fenced, Stopped):
                    raise
                except Exception as error:
                    self._log.exception("the lane failed and is taken over again")
                    await self.waiting.pause("lane", error, backoff, stoppable=True)
        except Fenced:
            self.left()
        except Stopped:
            pass
        finally:
            self.batcher = None

    # Step 1.

    async def _take_over(self) -> Batcher:
        """Seek to the committed position, and read from there."""
        self._reset()
        await self.waiting.until_done("table", self._refuse_unfit, stoppable=True)
        start = await self._settled_start()
        if start.went_back:
            self._log.error("the queue holds less than was committed: reading all of it again")
        exact_end = start.exact_end if start.exact_end > self._careful_end else 0
        self.committed, self._went_back = start.offset, None
        self._consumer.seek(self._lane, start.offset)
        buffer = Buffer(self._deps.limits, start.offset, exact_end=exact_end, careful_end=self._careful_end)
        self.batcher = Batcher(self._lane, buffer, self._converter, self._letters, self.waiting, self._deps)
        self._log.info("lane taken over", offset=start.offset, planned_end=exact_end or None, epoch=self._epoch)
        return self.batcher

    async def _settled_start(self) -> Start:
        """Where to start, committed where it is news: the lane may have no other message to commit."""
        start = await self.waiting.until_done("position", self._start, stoppable=True)
        if start.lost:
            await self._letters.mark_gaps([start.lost])
        if start.lost or start.is_of_other:
            await self._commit(start.position)
        if start.is_of_other:
            # Once more: a writer of the other group that came before this commit has not seen it, but we see that one.
            await self.waiting.until_done("position", self._start, stoppable=True)
        return start

    def _reset(self) -> None:
        """Forget what was read, and what was waited for; the lane is doubtful."""
        self.waiting.waits.clear()
        if self.batcher and self.batcher.went_back:
            self._went_back = self.batcher.went_back
        self.batcher = None
        deps, lane = self._deps, self._lane
        self._letters = LaneLetters(lane, self._signal.dead_letter_topic, self.waiting, deps, self._log)
        self._delivery = Delivery(
            self._signal.table, deps.sink, self.waiting, deps.metrics, deps.failpoints, self._still_ours, deps.clock
        )

    async def _refuse_unfit(self) -> None:
        """Nothing is read for a table that can't take it. One that can't be asked about is waited for at the insert."""
        try:
            await self._deps.sink.check(self._signal.table)
        except (MissingTable, UnfitTable):
            raise
        except ClickHouseError:
            return

    async def _start(self) -> Start:
        lanes, queue = [self._lane], self._deps.queue
        own = (await self._consumer.committed(lanes))[self._lane]
        committed = await self._deps.handover.position(self._lane, own)
        begin, end = (await queue.begin_offsets(lanes))[self._lane], (await queue.high_watermarks(lanes))[self._lane]
        if self._went_back and committed is not None and self._went_back.offset < committed.offset:
            return Start(begin, went_back=True)
        known_end = None
        if committed is None and begin > 0:
            known_end = await self._deps.sink.end_of(self._signal.table, self._lane)
        return replace(starting_point(committed, begin, end, known_end), is_of_other=committed != own)

    # Steps 3 to 6.

    async def _deliver(self, batcher: Batcher) -> None:
        """Batch after batch; the next one is made while the present one is inserted."""
        batch = await self._past_holes(batcher, batcher.next())
        if batch:
            await self._commit(batch.plan)
        while batch:
            self._deps.failpoints.reach("after_plan")
            ahead = asyncio.create_task(batcher.next())
            try:
                await self._store(batch)
                # The plan of the next is the end of this one, if the next is there; its failure must not keep this one
                # from being committed.
                there = ahead.result() if ahead.done() and not ahead.exception() else None
                following = there if isinstance(there, Batch) else None
                await self._commit(following.plan if following else batch.done)
                batcher.finished()
                self._finished(batch)
                if following is None and (following := await self._past_holes(batcher, ahead)):
                    await self._commit(following.plan)
                batch = following
            finally:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)

    async def _past_holes(self, batcher: Batcher, coming: Awaitable[Batch | Holes | None]) -> Batch | None:
        """The next batch. Holes that come before it are committed past: once retention has taken them, nobody could say
        any more that they were no messages."""
        found = await coming
        while isinstance(found, Holes):
            await self._commit(Position(found.end))
            self.committed = found.end
            found = await batcher.next()
        return found

    async def _store(self, batch: Batch) -> None:
        try:
            await self._delivery.store(batch)
        except Poison as poison:
            if batch.message is None:
                self._careful_end = batch.end
                raise
            self._log.error("ClickHouse refuses a message: going row by row", offset=batch.first, error=str(poison))
            await self._store_row_by_row(batch, batch.message)

    async def _store_row_by_row(self, batch: Batch, message: Message) -> None:
        self._delivery.trusted = False
        refused = await self._delivery.store_row_by_row(batch)
        indices = batch.block.numbers("_index")
        letters = [
            self._converter.letter_of_row(self._lane, message, indices[row], reason) for row, reason in refused.items()
        ]
        await self._letters.bury(letters, batch.rows - len(letters))

    async def _commit(self, position: Position) -> None:
        """Raises `Fenced`: the lane is not ours any more."""
        asked_at = time.monotonic()
        await self.waiting.until_done("commit", lambda: self._consumer.commit(self._lane, position, self._epoch))
        self._planned_at = asked_at

    async def _still_ours(self, batch: Batch) -> None:
        """Right before each try of an insert: no other writer can have taken the lane since the batch was planned."""
        if self._consumer.epochs().get(self._lane) != self._epoch:
            raise Fenced(f"{self._lane} is not ours under {self._epoch} any more")
        now = time.monotonic()
        if now - self._planned_at > self._deps.session_timeout_s:
            await self._consumer.commit(self._lane, batch.plan, self._epoch)
            self._planned_at = now

    def _finished(self, batch: Batch) -> None:
        """The batch is stored and committed."""
        metrics, table = self._deps.metrics, self._signal.table.name
        self.committed = batch.end
        metrics.rows.labels(table).inc(batch.rows)
        metrics.batch_rows.labels(table).observe(batch.rows)
        metrics.batch_age_seconds.labels(table).observe(max(0.0, time.time() - batch.received_at / 1e6))
        count_ages(self._deps.counts, self._signal.name, batch.arrivals, self._deps.clock() // 1000)
        self._log.debug("batch committed", rows=batch.rows, end=batch.end)
        if self._deps.tracer is not None:
            lane = {**batch.lane._asdict(), "rows": batch.rows, "end": batch.end}
            for traceparent, received_at in batch.traces:
                self._deps.tracer.stored(traceparent, received_at, batch.inserted_ns, lane)
        if batch.expired:
            metrics.dropped(self._signal.name, "expired", batch.expired)
        self._deps.failpoints.reach("after_done")
