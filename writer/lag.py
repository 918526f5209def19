"""How far a group is behind, how fast it commits, and when it will be done; in a writer and from outside."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple, Protocol

from shared.metrics import LagGauges
from shared.queue.base import Lane, Queue, QueueError
from shared.queue.first_times import FirstTimes, Sample

EVERY_S = 5.0
WINDOW_S = 10.0
"""Rates are averages over this time: writers commit in batches, so rates over a shorter time would jump."""


@dataclass(frozen=True)
class Lag:
    """The lag of a lane. Rates in messages a second."""

    messages: int
    """Also those of a transaction that is open, and what lies behind it."""
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

    def add(self, lane: Lane, sample: Sample, waiting_s: float | None) -> Lag:
        """The lag at this sample; rates are 0 for the first sample, and where offsets went back. `waiting_s`: None if
        there is no message between the sample's offsets."""
        samples = self._samples.setdefault(lane, deque())
        samples.append(sample)
        while len(samples) > 2 and samples[1].at <= sample.at - self._window_s:
            samples.popleft()
        first, messages = samples[0], 0 if waiting_s is None else max(0, sample.stored_end - sample.next)
        passed = sample.at - first.at or math.inf
        commit_rate = max(0.0, (sample.next - first.next) / passed)
        arrival_rate = max(0.0, (sample.end - first.end) / passed)
        waiting_s = max(0.0, waiting_s or 0.0) if messages else 0.0
        return Lag(messages, waiting_s, commit_rate, arrival_rate, drain_s(messages, commit_rate - arrival_rate))

    def keep_only(self, lanes: Collection[Lane]) -> None:
        self._samples = {lane: samples for lane, samples in self._samples.items() if lane in lanes}


class Held(NamedTuple):
    """What a writer knows of one of its lanes."""

    committed: int
    first_ms: int | None
    """When the queue took the first held message, Unix milliseconds; None if none is held."""


class Watched(Protocol):
    """The lanes of a writer."""

    def held(self) -> Mapping[Lane, Held]: ...

    def holes(self, lane: Lane, first: int, end: int) -> None:
        """There is no message with `first <= offset < end`, and there never will be."""


async def watch_lag(queue: Queue, writer: Watched, gauges: LagGauges) -> None:
    """Keep a writer's gauges up to date until cancelled, and tell it of holes. Asks the queue only for what the writer
    doesn't know."""
    history, first_times = History(), FirstTimes(queue)
    while True:
        await asyncio.sleep(EVERY_S)
        lanes = writer.held()
        try:
            watermarks = await queue.high_watermarks(lanes)
            ends = await queue.end_offsets(lanes)
            now = time.monotonic()
            samples = {lane: Sample(now, each.committed, ends[lane], watermarks[lane]) for lane, each in lanes.items()}
            unknown = {lane: sample for lane, sample in samples.items() if lanes[lane].first_ms is None}
            times = await first_times.of(unknown.items())
            empty = {lane: each for lane, each in unknown.items() if lane not in times and each.next < each.end}
            # Asked after it was read: what retention took meanwhile was no hole.
            begins = await queue.begin_offsets(empty) if empty else {}
        except QueueError:
            continue  # the receive loop logs it
        for lane, sample in empty.items():
            if begins[lane] <= sample.next:
                writer.holes(lane, sample.next, sample.end)
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


def age_s(time_ms: int | None) -> float | None:
    """Seconds since then."""
    return None if time_ms is None else time.time() - time_ms / 1000
