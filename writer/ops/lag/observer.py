"""The lag of a group, observed without joining it, whether it runs or not."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from shared.queue.base import Lane
from shared.queue.first_times import FirstTimes, Sample
from shared.queue.lane_state import LaneState, lane_states
from shared.signals.base import Signal
from writer.lag import History, Lag, age_s
from writer.ops.operator import Operator
from writer.ops.ranges import Wanted, wanted_lanes


@dataclass(frozen=True)
class LaneLag:
    """The lag of one lane."""

    signal: Signal
    lane: Lane
    state: LaneState
    lag: Lag


class Observer:
    """Observes repeatedly: rates are averages over the last ten seconds."""

    def __init__(self, operator: Operator, wanted: Wanted) -> None:
        self._operator = operator
        self._wanted = wanted
        self._history = History()
        self._first_times = FirstTimes(operator.queue)

    async def observe(self) -> list[LaneLag]:
        """Every lane, in order of signal and partition, new topics and partitions included. The first time there are no
        rates yet. Raises `BadRange`, `QueueError`."""
        operator = self._operator
        lanes = await wanted_lanes(operator.queue, operator.registry, self._wanted)
        states = await lane_states(operator.queue, operator.groups, [lane for _, lane in lanes])
        now = time.monotonic()
        samples = {
            lane: Sample(now, state.goes_on_at, state.end, state.high_watermark) for lane, state in states.items()
        }
        times = await self._first_times.of(samples.items())
        self._history.keep_only(samples)
        lags = {lane: self._history.add(lane, sample, age_s(times.get(lane))) for lane, sample in samples.items()}
        return [LaneLag(signal, lane, states[lane], lags[lane]) for signal, lane in lanes]


def total(lanes: Iterable[LaneLag]) -> Lag:
    """All lanes together: sums, and the longest times: the oldest message, the lane that is done last."""
    lags = [each.lag for each in lanes]
    return Lag(
        messages=sum(lag.messages for lag in lags),
        seconds=max((lag.seconds for lag in lags), default=0.0),
        commit_rate=sum(lag.commit_rate for lag in lags),
        arrival_rate=sum(lag.arrival_rate for lag in lags),
        drain_s=max((lag.drain_s for lag in lags), default=0.0),
    )
