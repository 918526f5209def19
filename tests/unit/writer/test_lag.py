"""Lag, rates and the time to drain (writer/lag.py), and how they are shown."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterable
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from shared.metrics import LagGauges
from shared.queue.base import Lane, Message
from shared.queue.first_times import Sample
from shared.queue.lane_state import LaneState
from shared.signals.logs import SIGNAL
from writer import lag
from writer.lag import Held, History, Lag, drain_s, show, watch_lag
from writer.ops.lag.observer import LaneLag, total
from writer.ops.lag.report import as_json_value, duration_text

A, B = Lane("logs", 0), Lane("logs", 1)


def test_rates_are_those_of_the_last_seconds() -> None:
    history = History(window_s=10)
    assert history.add(A, Sample(0, 0, 100), 7.0) == Lag(100, 7.0, 0, 0, math.inf)
    assert history.add(A, Sample(5, 50, 110), 6.0) == Lag(60, 6.0, 10, 2, 7.5)
    assert history.add(A, Sample(10, 100, 120), 5.0) == Lag(20, 5.0, 10, 2, 2.5)
    assert history.add(A, Sample(15, 110, 170), 5.0) == Lag(60, 5.0, 6, 6, math.inf)
    assert history.add(A, Sample(20, 180, 180), 5.0) == Lag(0, 0.0, 8, 6, 0.0)


def test_what_can_not_be_read_yet_is_lag_too_and_holes_are_none() -> None:
    history = History()
    assert history.add(A, Sample(0, 100, 100, 5_000), 60.0) == Lag(4_900, 60.0, 0, 0, math.inf)
    assert history.add(A, Sample(5, 100, 120, 120), None) == Lag(0, 0.0, 0, 4, 0.0)


class Queue:
    """Lanes with holes only, and, in B, what retention has taken by the time it was read."""

    async def high_watermarks(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        return dict.fromkeys(lanes, 9)

    end_offsets = high_watermarks

    async def begin_offsets(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        return {lane: 9 if lane == B else 0 for lane in lanes}

    async def read(self, lane: Lane, first: int, end: int, *, undecided: bool = False) -> AsyncIterator[list[Message]]:
        for messages in ():
            yield messages


class Writer:
    def __init__(self) -> None:
        self.told: list[tuple[Lane, int, int]] = []
        self.twice = asyncio.Event()

    def held(self) -> dict[Lane, Held]:
        return {A: Held(5, None), B: Held(5, None), Lane("logs", 2): Held(5, 1_000), Lane("logs", 3): Held(9, None)}

    def holes(self, lane: Lane, first: int, end: int) -> None:
        self.told.append((lane, first, end))
        if len(self.told) > 1:
            self.twice.set()


async def test_a_writer_is_told_of_holes_and_never_of_what_retention_took(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag, "EVERY_S", 0.0)
    writer = Writer()
    watching = asyncio.create_task(watch_lag(cast(Any, Queue()), writer, LagGauges(CollectorRegistry())))
    await writer.twice.wait()
    watching.cancel()
    assert set(writer.told) == {(A, 5, 9)}


def test_offsets_that_go_back_are_no_negative_rate() -> None:
    history = History()
    history.add(A, Sample(0, 50, 60), 0)
    assert history.add(A, Sample(5, 10, 60), 3.0) == Lag(50, 3.0, 0, 0, math.inf)


def test_a_lane_that_was_away_starts_without_history() -> None:
    history = History()
    history.add(A, Sample(0, 0, 0), 0)
    history.keep_only([B])
    assert history.add(A, Sample(5, 1_000, 1_000), 0).commit_rate == 0


def test_a_lag_that_does_not_shrink_is_never_drained() -> None:
    assert drain_s(0, -5) == 0
    assert drain_s(10, 4) == 2.5
    assert math.isinf(drain_s(10, 0))
    assert math.isinf(drain_s(10, -1))


def test_gauges_of_a_lane_that_is_gone_are_gone() -> None:
    registry = CollectorRegistry()
    gauges = LagGauges(registry)
    show(gauges, {A: Lag(5, 1.5, 2, 3, math.inf), B: Lag(0, 0, 0, 0, 0)})
    names = ("messages", "seconds", "commit_rate", "arrival_rate", "drain_seconds")
    shown = [registry.get_sample_value(f"sluice_lag_{name}", {"topic": "logs", "partition": "0"}) for name in names]
    assert shown == [5, 1.5, 2, 3, math.inf]
    show(gauges, {B: Lag(1, 1, 1, 1, 1)})
    assert registry.get_sample_value("sluice_lag_messages", {"topic": "logs", "partition": "0"}) is None
    assert registry.get_sample_value("sluice_lag_seconds", {"topic": "logs", "partition": "1"}) == 1


def test_all_lanes_together_are_done_when_the_last_one_is() -> None:
    lanes = [
        LaneLag(SIGNAL, A, LaneState(3, None, 10), Lag(7, 9.0, 2, 1, 7.0)),
        LaneLag(SIGNAL, B, LaneState(8, 5, 9), Lag(1, 1.0, 0, 1, math.inf)),
    ]
    assert total(lanes) == Lag(8, 9.0, 2, 2, math.inf)
    assert total([]) == Lag(0, 0, 0, 0, 0)
    assert as_json_value(lanes) == {
        "lanes": [
            {
                "signal": "logs",
                "topic": "logs",
                "partition": 0,
                "committed": None,
                "end": 10,
                "lost": 0,
                "lag_messages": 7,
                "lag_seconds": 9.0,
                "commit_rate": 2,
                "arrival_rate": 1,
                "drain_seconds": 7.0,
            },
            {
                "signal": "logs",
                "topic": "logs",
                "partition": 1,
                "committed": 5,
                "end": 9,
                "lost": 3,
                "lag_messages": 1,
                "lag_seconds": 1.0,
                "commit_rate": 0,
                "arrival_rate": 1,
                "drain_seconds": None,
            },
        ],
        "totals": {
            "lag_messages": 8,
            "lag_seconds": 9.0,
            "commit_rate": 2,
            "arrival_rate": 2,
            "drain_seconds": None,
        },
    }


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.26, "0.3 s"),
        (42, "42 s"),
        (600, "10 min"),
        (9_000, "2.5 h"),
        (200_000, "2.3 d"),
    ],
)
def test_a_duration_is_short(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
