"""A project is over its share when all processes together have used up a window, until that was long ago."""

import asyncio
from typing import Any, cast

import pytest

from gateway.leases import Measure, Window
from gateway.overflow.shares import UNDER_S, WINDOW_S, Shares
from shared.keys import ResolvedKey
from shared.metrics import Metrics

SHARE = 100
"""Records a second: 1,000 a window, in portions of 100."""


def key(project: str = "p", lane_records_s: int | None = None) -> ResolvedKey:
    return ResolvedKey(key_id="k", project_id=project, scopes=frozenset(), lane_records_s=lane_records_s)


class Shared:
    """Stands for Redis, and for the time."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.asked = 0
        self._used: dict[tuple[str, int], int] = {}

    async def lease(
        self, counter: str, limit: int, wanted: int, before: Window | None, *, measure: Measure, counted: bool
    ) -> Window:
        assert not counted
        assert wanted > 0
        self.asked += 1
        await asyncio.sleep(0)
        ends = int(self.now) // measure.window_s * measure.window_s + measure.window_s
        used = self._used.get((counter, ends), 0)
        granted = min(max(limit // measure.shares, wanted), limit - used)
        self._used[counter, ends] = used + granted
        held = before.left if before and (before.resets_at, before.limit) == (ends, limit) else 0
        return Window(limit, granted + held, limit - used - granted, float(ends), ends)

    def shares(self, records_s: int = SHARE) -> tuple[Shares, Metrics]:
        metrics = Metrics()
        return Shares(records_s, cast(Any, self), metrics, lambda: self.now), metrics


async def sent(shares: Shares, whose: ResolvedKey, n: int, times: int = 1) -> bool:
    """Whether the last of so many requests of `n` records is over."""
    over = False
    for _ in range(times):
        over = shares.is_over(whose, n)
        for _ in range(3):
            await asyncio.sleep(0)  # the lease is there before the next request
    return over


@pytest.fixture
def shared() -> Shared:
    return Shared()


async def test_a_project_is_over_once_a_window_is_used_up(shared: Shared) -> None:
    shares, metrics = shared.shares()
    assert not await sent(shares, key(), 10, 100), "all of a window may be used"
    assert await sent(shares, key(), 10, 3)
    assert not await sent(shares, key("quiet"), 10)
    assert metrics.registry.get_sample_value("sluice_overflow_projects") == 1


async def test_it_is_within_again_when_it_was_for_a_minute_and_not_before(shared: Shared) -> None:
    shares, _ = shared.shares()
    await sent(shares, key(), 10, 103)
    for _ in range(int(UNDER_S) // WINDOW_S - 1):
        shared.now += WINDOW_S
        assert await sent(shares, key(), 10, 50), "less than its share, and not for long enough"
    shared.now += WINDOW_S
    assert not await sent(shares, key(), 10, 50)


async def test_each_window_that_is_used_up_counts_the_minute_anew(shared: Shared) -> None:
    shares, _ = shared.shares()
    for _ in range(12):
        await sent(shares, key(), 10, 103)
        assert await sent(shares, key(), 10)
        shared.now += WINDOW_S


async def test_a_request_larger_than_a_portion_counts_whole(shared: Shared) -> None:
    shares, _ = shared.shares()
    await sent(shares, key(), 950)
    assert await sent(shares, key(), 100, 2)


async def test_processes_count_together(shared: Shared) -> None:
    both = [shared.shares()[0] for _ in range(2)]
    for _ in range(55):
        over = [await sent(shares, key(), 10) for shares in both]
    assert over == [True, True]


async def test_a_lease_is_asked_for_once_a_portion_and_never_while_the_window_is_used_up(shared: Shared) -> None:
    shares, _ = shared.shares()
    await sent(shares, key(), 10, 100)
    assert shared.asked <= 11
    await sent(shares, key(), 10, 3)
    before = shared.asked
    await sent(shares, key(), 10, 500)
    assert shared.asked == before
    for _ in range(50):  # no lease comes in between
        shares.is_over(key("other"), 10)
    await asyncio.sleep(0)
    assert shared.asked == before + 1


async def test_a_projects_own_share_counts_and_none_at_all(shared: Shared) -> None:
    shares, _ = shared.shares()
    assert not await sent(shares, key("large", lane_records_s=SHARE * 10), 10, 500)
    assert await sent(shares, key("small", lane_records_s=1), 10, 3)
    assert not await sent(shares, key("free", lane_records_s=0), 10_000, 300)
    off, _ = shared.shares(0)
    assert not await sent(off, key(), 10_000, 300)


async def test_a_new_share_counts_at_once_for_a_project_that_is_over(shared: Shared) -> None:
    shares, _ = shared.shares()
    await sent(shares, key(), 10, 103)
    assert not await sent(shares, key(lane_records_s=0), 10)


async def test_projects_that_send_no_more_are_forgotten(shared: Shared) -> None:
    shares, _ = shared.shares()
    for n in range(50):
        await sent(shares, key(f"p{n}"), 10, 103)
    shared.now += 10 * UNDER_S
    await sent(shares, key(), 10)
    assert len(shares._windows) == 1
    assert not shares._over
