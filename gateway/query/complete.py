"""How far what is stored is complete, for every answer (contracts.md, "How far an answer is complete")."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from gateway.query.as_of import AsOf, as_of, encode_as_of, joined
from gateway.query.times import format_time
from shared.clock import Clock
from shared.queue.base import Lane, Queue, QueueError
from shared.queue.first_times import FirstTimes, Sample
from shared.queue.lane_state import LaneState, lane_states

_log = structlog.get_logger(__name__)

EVERY_S = 1.0
"""Between two observations of the queue, at least."""
WAIT_S = 0.5
"""How long an answer waits for the observation under way ..."""
WITHIN_S = 5.0
"""... and how long that may take."""

REMEMBERED = 64
READ_AFTER_US = 5_000_000
"""Where the observations so far tell less than this, the queue is asked when it took the first uncommitted message."""


@dataclass(frozen=True)
class Complete:
    """All that was answered with 2xx before `up_to`, microseconds, is stored or a dead letter; None for unknown, then
    `reason` is a sentence. `as_of`: the state that was observed with it."""

    up_to: int | None = None
    as_of: AsOf | None = None
    reason: str = ""

    @property
    def headers(self) -> dict[str, str]:
        found = {
            "X-Complete-Up-To": "null" if self.up_to is None else format_time(self.up_to),
            "X-As-Of": "null" if self.as_of is None else encode_as_of(self.as_of),
        }
        return found | ({"X-Complete-Reason": self.reason} if self.reason else {})

    def within(self, state: AsOf | None) -> "Complete":
        """The same for an answer that is narrowed to a state; None for one that isn't."""
        if state is None:
            return self
        up_to = state.complete if self.up_to is None else min(self.up_to, state.complete)
        return Complete(up_to, state)

    @classmethod
    def of_all(cls, parts: Sequence["Complete"]) -> "Complete":
        """Of several tables: the least of them, and unknown where one is."""
        if unknown := next((part for part in parts if part.up_to is None), None):
            return unknown
        up_to = min(part.up_to for part in parts if part.up_to is not None)
        states = [part.as_of for part in parts if part.as_of is not None]
        return cls(up_to, joined(up_to, states) if len(states) == len(parts) else None)


class Ends:
    """Where lanes ended at the last observations. Once a lane's end is committed, all is stored that came before."""

    def __init__(self) -> None:
        self._seen: dict[Lane, deque[tuple[int, int]]] = {}

    def add(self, moment: int, states: Mapping[Lane, LaneState]) -> None:
        """`moment`: before the queue was asked, microseconds."""
        self._seen = {lane: self._seen.get(lane, deque(maxlen=REMEMBERED)) for lane in states}
        for lane, state in states.items():
            self._seen[lane].append((moment, state.end))

    def stored_before(self, lane: Lane, committed: int) -> int | None:
        """The latest of these moments before which nothing came that isn't committed; None for none of them."""
        return max((moment for moment, end in self._seen.get(lane, ()) if end <= committed), default=None)


class Completeness:
    """Observes the lanes of one table.

    1. Every record that was answered with 2xx before `up_to` is stored, or a dead letter, before `now` returns.
    2. However many ask, the queue is observed at most once a second, and by one at a time.
    3. `now` never raises and waits `WAIT_S` at most; not at all while the queue is known to be away.
    """

    def __init__(self, queue: Queue, group: str, topics: Iterable[str], clock: Clock) -> None:
        self._queue = queue
        self._group = group
        self._topics = tuple(topics)
        self._clock = clock
        self._ends = Ends()
        self._first_times = FirstTimes(queue)
        self._known = Complete(reason="the queue has not answered yet")
        self._task: asyncio.Task[None] | None = None
        self._asked_at = float("-inf")
        self._answers = True

    async def now(self) -> Complete:
        """What is known. It may be a second old: then it is right for a little less than there is."""
        if (self._task is None or self._task.done()) and time.monotonic() >= self._asked_at + EVERY_S:
            self._asked_at = time.monotonic()
            self._task = asyncio.create_task(self._observe())
        if self._task is not None and not self._task.done() and self._answers:
            await asyncio.wait({self._task}, timeout=WAIT_S)
            self._answers = self._task.done()
        return self._known

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _observe(self) -> None:
        try:
            async with asyncio.timeout(WITHIN_S):
                found = await self._look()
        except (QueueError, TimeoutError) as error:
            found = Complete(reason="the queue can't be asked how far the writers are")
            if self._known.reason != found.reason:
                _log.warning(found.reason, error=str(error) or f"no answer within {WITHIN_S:g} s")
        self._known, self._answers = found, found.up_to is not None

    async def _look(self) -> Complete:
        moment = self._clock() // 1000
        lanes = await self._queue.lanes(self._topics)
        if set(self._topics) - {lane.topic for lane in lanes}:
            return Complete(reason="the queue lacks a topic of these rows: run `sluice migrate`")
        states = await lane_states(self._queue, self._group, lanes)
        self._ends.add(moment, states)
        up_to = min([moment, *(await self._waiting_since(moment, states)).values()])
        return Complete(up_to, as_of(up_to, {lane: state.goes_on_at for lane, state in states.items()}))

    async def _waiting_since(self, moment: int, states: Mapping[Lane, LaneState]) -> dict[Lane, int]:
        """The lanes with messages that no writer has committed -> the time before which they had none, microseconds."""
        known: dict[Lane, int] = {}
        to_read: list[tuple[Lane, Sample]] = []
        for lane, state in states.items():
            next = state.goes_on_at
            if next < state.end:
                since = self._ends.stored_before(lane, next)
                if since is not None and since >= moment - READ_AFTER_US:
                    known[lane] = since
                else:
                    to_read.append((lane, Sample(0.0, next, state.end)))
        times = await self._first_times.of(to_read)
        return known | {lane: time_ms * 1000 for lane, time_ms in times.items()}
