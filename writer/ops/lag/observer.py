"""The lag of a group, looked at from outside: whether it runs or not, and without joining it."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from shared.queue.base import Lane
from shared.signals.base import Signal
from writer.lag import FirstTimes, History, Lag, Sample, age_s
from writer.ops.operator import Operator
from writer.ops.ranges import LaneState, Wanted, lane_states, wanted_lanes


@dataclass(frozen=True)
class LaneLag:
    """How one lane stands."""

    signal: Signal
    lane: Lane
    state: LaneState
    lag: Lag


class Observer:
    """Looks again and again: rates are between the looks of the last ten seconds."""

    def __init__(self, operator: Operator, wanted: Wanted) -> None:
        self._operator = operator
        self._wanted = wanted
        self._history = History()
        self._first_times = FirstTimes(operator.queue)

    async def look(self) -> list[LaneLag]:
        """Every lane, in order of signal and partition; new topics and partitions are found. The first look has no
        rates yet. Raises `BadRange`, `QueueError`."""
        operator = self._operator
        lanes = await wanted_lanes(operator.queue, operator.registry, self._wanted)
        states = await lane_states(operator.queue, operator.group, [lane for _, lane in lanes])
        now = time.monotonic()
        samples = {lane: Sample(now, state.goes_on_at, state.end) for lane, state in states.items()}
        times = await self._first_times.of(samples.items())
        self._history.keep_only(samples)
        lags = {lane: self._history.add(lane, sample, age_s(times.get(lane))) for lane, sample in samples.items()}
        return [LaneLag(signal, lane, states[lane], lags[lane]) for signal, lane in lanes]


def total(lanes: Iterable[LaneLag]) -> Lag:
    """All together: the sums, and of times the longest: the oldest message, the lane that is done last."""
    lags = [each.lag for each in lanes]
    return Lag(
        messages=sum(lag.messages for lag in lags),
        seconds=max((lag.seconds for lag in lags), default=0.0),
        commit_rate=sum(lag.commit_rate for lag in lags),
        arrival_rate=sum(lag.arrival_rate for lag in lags),
        drain_s=max((lag.drain_s for lag in lags), default=0.0),
    )
