"""How far a group is behind, how fast it commits, and when it will be done; in a writer and from outside."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import NamedTuple

from shared.metrics import LagGauges
from shared.queue.base import Lane, Queue, QueueError

EVERY_S = 5.0
WINDOW_S = 10.0
"""Rates are averages over this time: writers commit in batches, so rates over a shorter time would jump."""

READS_AT_ONCE = 4


class Sample(NamedTuple):
    """A lane at one moment."""

    at: float
    """Monotonic seconds."""
    next: int
    """The offset that the group reads next."""
    end: int
    """The offset that the queue's next message will get."""


@dataclass(frozen=True)
class Lag:
    """The lag of a lane. Rates in messages a second."""

    messages: int
    seconds: float
    """Since the queue took the first uncommitted message; 0 if there is none."""
    commit_rate: float
    arrival_rate: float
    drain_s: float
    """Seconds until the lag is 0 at these rates; infinite for never."""


class History:
    """The last samples of some lanes, from which rates are computed. Pure: time comes with the samples."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._samples: dict[Lane, deque[Sample]] = {}

    def add(self, lane: Lane, sample: Sample, waiting_s: float) -> Lag:
        """The lag at this sample; rates are 0 for the first sample, and where offsets went back."""
        samples = self._samples.setdefault(lane, deque())
        samples.append(sample)
        while len(samples) > 2 and samples[1].at <= sample.at - self._window_s:
            samples.popleft()
        first, messages = samples[0], max(0, sample.end - sample.next)
        passed = sample.at - first.at or math.inf
        commit_rate = max(0.0, (sample.next - first.next) / passed)
        arrival_rate = max(0.0, (sample.end - first.end) / passed)
        waiting_s = max(0.0, waiting_s) if messages else 0.0
        return Lag(messages, waiting_s, commit_rate, arrival_rate, drain_s(messages, commit_rate - arrival_rate))

    def keep_only(self, lanes: Collection[Lane]) -> None:
        self._samples = {lane: samples for lane, samples in self._samples.items() if lane in lanes}


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


class Held(NamedTuple):
    """What a writer knows of one of its lanes."""

    committed: int
    first_ms: int | None
    """When the queue took the first held message, Unix milliseconds; None if none is held."""


async def watch_lag(queue: Queue, held: Callable[[], Mapping[Lane, Held]], gauges: LagGauges) -> None:
    """Keep a writer's gauges up to date until cancelled. Asks the queue only for what the writer doesn't know."""
    history, first_times = History(), FirstTimes(queue)
    while True:
        await asyncio.sleep(EVERY_S)
        lanes = held()
        try:
            ends = await queue.end_offsets(lanes)
            now = time.monotonic()
            samples = {lane: Sample(now, each.committed, ends[lane]) for lane, each in lanes.items()}
            unknown = [(lane, sample) for lane, sample in samples.items() if lanes[lane].first_ms is None]
            times = await first_times.of(unknown)
        except QueueError:
            continue  # the receive loop logs it
        times |= {lane: each.first_ms for lane, each in lanes.items() if each.first_ms is not None}
        history.keep_only(lanes)
        show(gauges, {lane: history.add(lane, sample, age_s(times.get(lane))) for lane, sample in samples.items()})


def drain_s(messages: int, gain: float) -> float:
    """Seconds until no message is left if their number falls by `gain` a second; infinite for never."""
    if messages == 0:
        return 0.0
    return messages / gain if gain > 0 else math.inf


def show(gauges: LagGauges, lags: Mapping[Lane, Lag]) -> None:
    """Set the gauges of these lanes, and remove those of all others."""
    gauges.keep_only(lags)
    for lane, lag in lags.items():
        gauges.set(lane, **asdict(lag))


def age_s(time_ms: int | None) -> float:
    """Seconds since then; 0 for None."""
    return 0.0 if time_ms is None else time.time() - time_ms / 1000
