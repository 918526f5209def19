"""Makes one lane's batches: buffered, cut, converted, their letters published (delivery.md, "Step 2: seal")."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from shared.queue.base import Lane, Message
from writer.ages import arrivals_of
from writer.batch import Batch, Holes
from writer.buffer import Buffer, WentBack
from writer.converter import Converter
from writer.entry import Entry, read_entry
from writer.lane_deps import LaneDeps
from writer.lane_letters import LaneLetters
from writer.position import lost_in
from writer.waiting import Waiting


class Batcher:
    """The batches of one lane from one position on; a lane that is sought gets a new `Batcher`.

    1. Batches come in the order of offsets, and none is changed once it is made.
    2. The letters of a batch are acknowledged before the batch is handed out.
    3. When offsets went back it takes no further message and makes no further batch.
    """

    def __init__(
        self, lane: Lane, buffer: Buffer, converter: Converter, letters: LaneLetters, waiting: Waiting, deps: LaneDeps
    ) -> None:
        self.buffer = buffer
        self.went_back: WentBack | None = None
        self._lane = lane
        self._converter = converter
        self._letters = letters
        self._waiting = waiting
        self._deps = deps
        self._unfinished: deque[tuple[int, int]] = deque()
        self._holes_end = 0
        self._wake = asyncio.Event()

    @property
    def held_bytes(self) -> int:
        """Bytes of messages that are buffered or on their way into the table."""
        return self.buffer.bytes + sum(size for size, _ in self._unfinished)

    @property
    def first_held_ms(self) -> int | None:
        """When the queue took the first message that is held here, Unix milliseconds; None for no message."""
        return self._unfinished[0][1] if self._unfinished else self.buffer.first_ms

    def feed(self, messages: Sequence[Message]) -> None:
        """Take the lane's next messages."""
        if self.went_back:
            return
        now = time.monotonic()
        try:
            for message in messages:
                self.buffer.add(read_entry(message, self._converter.formats), now)
        except WentBack as back:
            self.went_back = back
        self.wake()

    def holes(self, first: int, end: int) -> None:
        """The lane has no message with `first <= offset < end`, and never will have one."""
        if first == self.buffer.next_offset:
            self._holes_end = end
            self.wake()

    def wake(self) -> None:
        """Have `next` look again: there are new messages, or the writer stops."""
        self._wake.set()

    async def next(self) -> Batch | Holes | None:
        """The next batch, or holes to commit past, these only while no batch is unfinished; None when the writer stops
        and nothing is left. Raises `WentBack`."""
        await self._until_due()
        if self._is_before_holes:
            self.buffer.skip_to(self._holes_end)
            return Holes(self._holes_end)
        draft = self.buffer.take(time.monotonic(), flush=self._waiting.stopping.is_set())
        if draft is None:
            return None
        first = draft.entries[0].message
        self._unfinished.append((draft.bytes, first.timestamp_ms))
        if draft.blocked:
            await self._waiting.for_ever("message", "blocked", f"offset {first.offset}: {draft.blocked}")
        entries = await self._with_rules(draft.entries)
        now_us = self._deps.clock() // 1000
        convert = partial(self._converter.convert, self._lane, entries, now_us, planned=draft.planned)
        batch = await asyncio.get_running_loop().run_in_executor(self._deps.builder, convert)
        batch.arrivals = arrivals_of(entries)
        if self._deps.tracer is not None:
            stamps = [entry.stamp for entry in entries if entry.stamp]
            batch.traces = [(each.traceparent, each.received_at) for each in stamps if each.traceparent]
        if draft.jumps:
            await self._mark_lost(draft.jumps)
        await self._letters.bury(batch.letters, batch.rows)
        return batch

    def finished(self) -> None:
        """The oldest batch that was handed out is stored."""
        self._unfinished.popleft()
        self.wake()

    @property
    def _is_before_holes(self) -> bool:
        return self.buffer.next_offset < self._holes_end and self.buffer.is_empty and not self._unfinished

    async def _with_rules(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """The entries with the grouping rules that their stamps name. Raises `Stopped`."""
        if not self._converter.has_groups:
            return entries
        book = self._deps.rules
        return await self._waiting.until_done("rules", lambda: book.applied(entries), stoppable=True)

    async def _until_due(self) -> None:
        """Return when there is a draft to take, or holes, or the writer stops. Raises `WentBack`."""
        while not self.went_back:
            due_in = self.buffer.due_in(time.monotonic())
            if due_in == 0.0 or self._is_before_holes or self._waiting.stopping.is_set():
                return
            self._wake.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), due_in)
        raise self.went_back

    async def _mark_lost(self, jumps: list[tuple[int, int]]) -> None:
        """Leave a marker of what retention took out of a batch's range."""
        begins = await self._waiting.until_done("position", lambda: self._deps.queue.begin_offsets([self._lane]))
        if lost := lost_in(jumps, begins[self._lane]):
            await self._letters.mark_gaps(lost)
