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
    """The offset that the queue's next message will get."""


class FirstTimes:
    """When the queue took the first uncommitted message: read from the queue once for each offset."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._known: dict[Lane, tuple[int, int | None]] = {}
        self._turns = asyncio.Semaphore(READS_AT_ONCE)

    async def of(self, wanted: Iterable[tuple[Lane, Sample]]) -> dict[Lane, int]:
        """Unix milliseconds for each lane with a lag, unless only holes are left of it. Raises `QueueError`."""
        behind = [(lane, sample) for lane, sample in wanted if sample.next < sample.end]
        found = await asyncio.gather(*(self._of_lane(lane, sample) for lane, sample in behind))
        return {lane: time_ms for (lane, _), time_ms in zip(behind, found, strict=True) if time_ms is not None}

    async def _of_lane(self, lane: Lane, sample: Sample) -> int | None:
        known = self._known.get(lane)
        if known is None or known[0] != sample.next:
            async with self._turns:
                known = self._known[lane] = (sample.next, await self._read(lane, sample))
        return known[1]

    async def _read(self, lane: Lane, sample: Sample) -> int | None:
        # Both queues read with generators: closed at once, they leave no connection behind.
        async with aclosing(self._queue.read(lane, sample.next, sample.end)) as chunks:  # type: ignore[type-var]
            async for messages in chunks:
                return messages[0].timestamp_ms
        return None
