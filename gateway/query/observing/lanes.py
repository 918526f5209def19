"""How far each lane has been written, asked for as `sluice lag` asks."""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.query.observing.observation import Observation, Seen
from shared.clock import Clock
from shared.queue.base import Lane, Queue
from shared.queue.first_times import FirstTimes, Sample
from shared.queue.lane_state import LaneState, lane_states
from shared.queue.writer_groups import WriterGroups

WAIT_S = 2.0
"""How long an answer waits to know, where that is all that was asked for."""


@dataclass(frozen=True)
class SeenLane:
    """A lane. `waiting_since`: when the queue took the first message that no writer has committed, microseconds since
    the epoch; None if there is no such message."""

    lane: Lane
    state: LaneState
    waiting_since: int | None


@dataclass(frozen=True)
class SeenLanes:
    """All lanes in their order, as they were `at` this time or after it, microseconds since the epoch."""

    at: int
    lanes: tuple[SeenLane, ...]


class Lanes:
    """Observes the lanes of topics (`Observation`)."""

    def __init__(self, queue: Queue, groups: WriterGroups, topics: Iterable[str], clock: Clock) -> None:
        self._queue = queue
        self._groups = groups
        self._topics = tuple(topics)
        self._clock = clock
        self._first_times = FirstTimes(queue)
        self._observation = Observation(self._look, "the queue can't be asked how far the lanes are", wait_s=WAIT_S)
        self.close = self._observation.close

    async def now(self) -> Seen[SeenLanes]:
        return await self._observation.now()

    async def _look(self) -> SeenLanes:
        moment = self._clock() // 1000
        states = await lane_states(self._queue, self._groups, await self._queue.lanes(self._topics))
        behind = [
            (lane, Sample(0.0, state.goes_on_at, state.end, state.high_watermark)) for lane, state in states.items()
        ]
        times = await self._first_times.of(behind)
        return SeenLanes(moment, tuple(SeenLane(lane, state, _us(times.get(lane))) for lane, state in states.items()))


def _us(time_ms: int | None) -> int | None:
    return None if time_ms is None else time_ms * 1000
