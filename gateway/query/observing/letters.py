"""The open dead letters of each project. They can only be found by reading the dead-letter topics, so that is bounded:
the newest of each topic, each read once, and so many bytes at a time."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import NamedTuple

from gateway.query.observing.lanes import WAIT_S
from gateway.query.observing.observation import Observation, Seen
from gateway.query.observing.open_letters import Gap, OpenLetters, note
from shared.queue.base import Lane, Queue

NEWEST = 10_000
"""Of each dead-letter lane so many offsets are looked at: about 300 bytes of memory each."""

LOOK_BYTES = 32_000_000
"""One look begins nothing more once it has read so many bytes ..."""
LOOK_S = 2.0
"""... or has taken so long. The next one goes on."""


class LookedAt(NamedTuple):
    """What was read of a dead-letter lane: from `first` to before `next`, of what it holds from `begin` to `end`."""

    lane: Lane
    begin: int
    first: int
    next: int
    end: int

    @property
    def is_all(self) -> bool:
        return self.first <= self.begin and self.next >= self.end


@dataclass(frozen=True)
class SeenLetters:
    """`gaps`: what retention took of lanes before a writer read it."""

    looked_at: tuple[LookedAt, ...]
    gaps: list[Gap]


class Letters:
    """Counts the open letters of dead-letter topics by project (`Observation`).

    1. A project is told of its own letters only. Those that no project can be read of are counted for nobody.
    2. Memory: `NEWEST` letters a lane. Each letter is read once, on a thread, in looks of bounded size.
    3. A topic that was made again is read again once its end is below what had been read.
    """

    def __init__(self, queue: Queue, topics: Iterable[str]) -> None:
        self._queue = queue
        self._topics = tuple(topics)
        self._open: dict[Lane, OpenLetters] = {}
        self._observation = Observation(self._look, "the queue can't be asked for dead letters", wait_s=WAIT_S)
        self.close = self._observation.close

    async def now(self) -> Seen[SeenLetters]:
        return await self._observation.now()

    def of_project(self, project_id: str) -> dict[Lane, Counter[str]]:
        """Dead-letter lane -> reason -> letters, of what has been read by now."""
        found = {lane: kept.projects.get(project_id) for lane, kept in self._open.items()}
        return {lane: Counter(counts) for lane, counts in found.items() if counts}

    async def _look(self) -> SeenLetters:
        lanes = await self._queue.lanes(self._topics)
        begins, ends = await self._queue.begin_offsets(lanes), await self._queue.end_offsets(lanes)
        self._open = {lane: self._opened(lane, begins[lane], ends[lane]) for lane in lanes}
        look = _Look(LOOK_BYTES, time.monotonic() + LOOK_S)
        for lane, kept in self._open.items():
            await self._read(lane, kept, ends[lane], look)
            kept.forget_below(ends[lane] - NEWEST)
        looked_at = tuple(
            LookedAt(lane, begins[lane], kept.first, kept.next, ends[lane]) for lane, kept in self._open.items()
        )
        return SeenLetters(looked_at, [gap for kept in self._open.values() for gap in kept.gaps.values()])

    def _opened(self, lane: Lane, begin: int, end: int) -> OpenLetters:
        known = self._open.get(lane)
        return OpenLetters(max(begin, end - NEWEST)) if known is None or known.next > end else known

    async def _read(self, lane: Lane, kept: OpenLetters, end: int, look: "_Look") -> None:
        if kept.next >= end or look.is_over():
            return
        kept.next = max(kept.next, end - NEWEST)
        # Both queues read with generators: closed at once, they leave no connection behind.
        async with aclosing(self._queue.read(lane, kept.next, end)) as chunks:  # type: ignore[type-var]
            async for messages in chunks:
                kept.take(await asyncio.to_thread(note, lane, messages))
                look.bytes_left -= sum(len(message.value) for message in messages)
                if look.is_over():
                    return
        kept.next = end


@dataclass
class _Look:
    """What is left of one look."""

    bytes_left: int
    until: float

    def is_over(self) -> bool:
        return self.bytes_left <= 0 or time.monotonic() >= self.until
