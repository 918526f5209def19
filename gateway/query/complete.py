"""How far what is stored is complete, for every answer (contracts.md, "How far an answer is complete")."""

from collections import deque
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.query.as_of import AsOf, as_of, encode_as_of, joined
from gateway.query.observing.observation import Observation
from gateway.query.spooled import NONE as NO_SPOOLS
from gateway.query.spooled import Spooled, SpoolsUnknown
from gateway.query.times import format_time
from shared.clock import Clock
from shared.queue.base import Lane, Queue
from shared.queue.first_times import FirstTimes, Sample
from shared.queue.lane_state import LaneState, lane_states
from shared.queue.writer_groups import WriterGroups, is_overflow

WAIT_S = 0.5
"""How long an answer waits to know."""

REMEMBERED = 64
READ_AFTER_US = 5_000_000
"""Where the observations so far tell less than this, the queue is asked when it took the first uncommitted message."""


@dataclass(frozen=True)
class Complete:
    """All that was answered with 2xx before `up_to`, microseconds, is stored or a dead letter; None for unknown, then
    `reason` is a sentence. `as_of`: the state that was observed with it; `lanes`: what it was made of."""

    up_to: int | None = None
    as_of: AsOf | None = None
    reason: str = ""
    lanes: Mapping[Lane, LaneState] = field(default_factory=dict, compare=False)

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
    """Where lanes ended at the last observations, with what can't be read yet. Once that is committed, all is stored
    that came before."""

    def __init__(self) -> None:
        self._seen: dict[Lane, deque[tuple[int, int]]] = {}

    def add(self, moment: int, states: Mapping[Lane, LaneState]) -> None:
        """`moment`: before the queue was asked, microseconds."""
        self._seen = {lane: self._seen.get(lane, deque(maxlen=REMEMBERED)) for lane in states}
        for lane, state in states.items():
            self._seen[lane].append((moment, state.stored_end))

    def stored_before(self, lane: Lane, committed: int) -> int | None:
        """The latest of these moments before which nothing came that isn't committed; None for none of them."""
        return max((moment for moment, end in self._seen.get(lane, ()) if end <= committed), default=None)


class Drained:
    """What left the spools, until it is stored: in the queue it counts from when it was drained, which is late."""

    def __init__(self) -> None:
        self._since: int | None = None
        self._limit: int | None = None
        self._ends: dict[Lane, int] = {}

    def limit(self, spooled: int | None, states: Mapping[Lane, LaneState], waiting: Container[Lane]) -> int | None:
        """Nothing that was spooled and is not stored came before; None for nothing. `spooled`: of what still waits in
        spools, asked before `states` were. `waiting`: the lanes with messages that no writer has committed."""
        former, self._since = self._since, spooled
        if former is not None and (spooled is None or spooled > former):
            self._limit = former if self._limit is None else min(self._limit, former)
            self._ends = {lane: state.stored_end for lane, state in states.items()}
        if all(states[lane].goes_on_at >= end for lane, end in self._ends.items() if lane in waiting):
            self._limit, self._ends = None, {}
        return min((each for each in (spooled, self._limit) if each is not None), default=None)


class Completeness:
    """Observes the lanes of one table.

    1. Every record that was answered with 2xx before `up_to` is stored, or a dead letter, before `now` returns.
    2. All who ask share one observation of the queue (`Observation`). `now` never raises, and waits `WAIT_S` at most.
    """

    def __init__(
        self,
        queue: Queue,
        groups: WriterGroups,
        topics: Iterable[str],
        clock: Clock,
        spooled: Callable[[], Spooled] = lambda: NO_SPOOLS,
    ) -> None:
        """`spooled`: what waits outside of the queue. May raise `SpoolsUnknown`."""
        self._spooled = spooled
        self._queue = queue
        self._groups = groups
        self._topics = tuple(topics)
        self._clock = clock
        self._ends = Ends()
        self._drained = Drained()
        self._first_times = FirstTimes(queue)
        self._observation = Observation(self._look, "the queue can't be asked how far the writers are", wait_s=WAIT_S)

    async def now(self) -> Complete:
        """What is known. It may be a second old: then it is right for a little less than there is."""
        seen = await self._observation.now()
        return seen.found or Complete(reason=seen.reason)

    async def close(self) -> None:
        await self._observation.close()

    async def _look(self) -> Complete:
        moment = self._clock() // 1000
        try:
            spooled = self._spooled()  # before the queue is asked: what leaves a spool is in the queue by then
        except SpoolsUnknown:
            return Complete(reason="Postgres has not yet said whether gateways have spools")
        lanes = await self._queue.lanes(self._topics)
        # An overflow topic that a migration still has to make holds nothing: gateways use those that there are.
        needed = {topic for topic in self._topics if not is_overflow(topic)}
        if needed - {lane.topic for lane in lanes}:
            return Complete(reason="the queue lacks a topic of these rows: run `sluice migrate`")
        states = await lane_states(self._queue, self._groups, lanes)
        self._ends.add(moment, states)
        waiting = await self._waiting_since(moment, states)
        limits = (spooled.known_at, self._drained.limit(spooled.since, states, waiting))
        up_to = min([moment, *waiting.values(), *(each for each in limits if each is not None)])
        ends = {lane: state.goes_on_at for lane, state in states.items()}
        return Complete(up_to, as_of(up_to, ends), lanes=states)

    async def _waiting_since(self, moment: int, states: Mapping[Lane, LaneState]) -> dict[Lane, int]:
        """The lanes with messages that no writer has committed -> the time before which they had none, microseconds."""
        known: dict[Lane, int] = {}
        to_read: list[tuple[Lane, Sample]] = []
        for lane, state in states.items():
            next = state.goes_on_at
            if next < state.stored_end:
                since = self._ends.stored_before(lane, next)
                if since is not None and since >= moment - READ_AFTER_US:
                    known[lane] = since
                else:
                    to_read.append((lane, Sample(0.0, next, state.end, state.high_watermark)))
        times = await self._first_times.of(to_read)
        return known | {lane: time_ms * 1000 for lane, time_ms in times.items()}
