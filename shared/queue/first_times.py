"""When the queue took the first message that a group has not committed."""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from typing import NamedTuple

from shared.queue.base import Lane, Queue

READS_AT_ONCE = 4


class Sample(NamedTuple):
    """A lane at one moment."""

    at: float
    """Monotonic seconds."""
    next: int
    """The offset that the group reads next."""
    end: int
    """The offset up to which the lane can be read."""
    high_watermark: int = 0
    """Above `end`, if messages are stored beyond it that can't be read yet."""

    @property
    def stored_end(self) -> int:
        """The offset after all that is stored, also what can't be read yet."""
        return max(self.end, self.high_watermark)


class _Known(NamedTuple):
    """What was read from `next` on: the time of the first message, or that there is none before `end`."""

    next: int
    end: int
    time_ms: int | None


class FirstTimes:
    """When the queue took the first uncommitted message: read from the queue once for each offset."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._known: dict[Lane, _Known] = {}
        self._undecided: dict[Lane, _Known] = {}
        self._turns = asyncio.Semaphore(READS_AT_ONCE)

    async def of(self, wanted: Iterable[tuple[Lane, Sample]]) -> dict[Lane, int]:
        """Unix milliseconds for each lane with a lag, unless only holes are left of it. What a transaction that is open
        has brought counts. Raises `QueueError`."""
        behind = [(lane, sample) for lane, sample in wanted if sample.next < sample.stored_end]
        found = await asyncio.gather(*(self._of_lane(lane, sample) for lane, sample in behind))
        return {lane: time_ms for (lane, _), time_ms in zip(behind, found, strict=True) if time_ms is not None}

    async def _of_lane(self, lane: Lane, sample: Sample) -> int | None:
        known = self._known.get(lane)
        if known is None or known.next != sample.next:
            known = _Known(sample.next, sample.next, None)
        if known.time_ms is None and known.end < sample.end:
            known = await self._read(lane, sample.next, known.end, sample.end)
        self._known[lane] = known
        if known.time_ms is None and sample.end < sample.high_watermark:
            return await self._of_undecided(lane, sample)
        return known.time_ms

    async def _of_undecided(self, lane: Lane, sample: Sample) -> int | None:
        known = self._undecided.get(lane)
        if known is None or known.next != sample.end:  # that is where the first open transaction begins
            known = await self._read(lane, sample.end, sample.end, sample.high_watermark, undecided=True)
            self._undecided[lane] = known
        return known.time_ms

    async def _read(self, lane: Lane, next: int, first: int, end: int, *, undecided: bool = False) -> _Known:
        async with self._turns:
            # Both queues read with generators: closed at once, they leave no connection behind.
            reading = self._queue.read(lane, first, end, undecided=undecided)
            async with aclosing(reading) as chunks:  # type: ignore[type-var]
                async for messages in chunks:
                    return _Known(next, end, messages[0].timestamp_ms)
        return _Known(next, end, None)
