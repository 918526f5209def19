"""Drains are bounded by their records: each key and minute, over all processes."""

import asyncio
from time import monotonic
from typing import Any

import pytest

from gateway.drains.record_limit import RecordLimit
from gateway.leases import Window
from gateway.rejections import RateLimited
from shared.keys import ResolvedKey

KEY, OTHER = (ResolvedKey(key_id=name, project_id="p", scopes=frozenset({"ingest"})) for name in ("k", "other"))


class Shared:
    """Stands for what Redis counts: it grants what is asked for while there is any."""

    def __init__(self) -> None:
        self.used: dict[str, int] = {}
        self.asked = 0
        self.ends_at = monotonic() + 60
        self.minute = 60

    async def lease(self, counter: str, limit: int, wanted: int, before: Window | None, *, counted: bool) -> Window:
        assert not counted
        self.asked += 1
        await asyncio.sleep(0)
        used = self.used.get(counter, 0)
        granted = min(wanted, limit - used)
        self.used[counter] = used + granted
        held = before.left if before and before.resets_at == self.minute else 0
        return Window(limit, held + granted, limit - used - granted, self.ends_at, self.minute)

    def next_minute(self) -> None:
        self.used.clear()
        self.minute += 60


def limit_of(limit: int, shared: Shared) -> RecordLimit:
    return RecordLimit(limit, shared)  # type: ignore[arg-type]


async def admitted(limit: RecordLimit, sizes: "list[int]", key: ResolvedKey = KEY) -> "list[bool]":
    async def one(n: int) -> bool:
        try:
            await limit.admit(key, n)
        except RateLimited:
            return False
        return True

    return list(await asyncio.gather(*(one(n) for n in sizes)))


async def test_no_more_records_than_the_limit_are_admitted_by_all_processes() -> None:
    shared = Shared()
    processes = [limit_of(100_000, shared) for _ in range(3)]
    sizes = [7_000] * 20
    found = await asyncio.gather(*(admitted(process, sizes) for process in processes))
    total = 7_000 * sum(map(sum, found))
    assert 90_000 <= total <= 100_000


async def test_what_does_not_fit_is_refused_whole_and_a_smaller_one_still_fits() -> None:
    limit = limit_of(10_000, Shared())
    assert await admitted(limit, [9_000]) == [True]
    with pytest.raises(RateLimited) as refused:
        await limit.admit(KEY, 5_000)
    assert 50 <= refused.value.retry_after_s <= 60
    assert await admitted(limit, [1_000]) == [True]
    assert await admitted(limit, [1]) == [False]


async def test_each_key_has_its_own_minute() -> None:
    limit = limit_of(10_000, Shared())
    assert await admitted(limit, [10_000]) == [True]
    assert await admitted(limit, [10_000], OTHER) == [True]


async def test_a_key_that_has_used_its_minute_up_asks_nobody() -> None:
    shared = Shared()
    limit = limit_of(10_000, shared)
    await admitted(limit, [10_000])
    asked = shared.asked
    assert await admitted(limit, [1] * 100) == [False] * 100
    assert shared.asked == asked


async def test_small_requests_ask_rarely() -> None:
    shared = Shared()
    assert all(await admitted(limit_of(1_000_000, shared), [10] * 1_000))
    assert shared.asked <= 6


async def test_a_new_minute_begins_anew() -> None:
    shared = Shared()
    limit = limit_of(10_000, shared)
    shared.ends_at = monotonic() + 0.05
    assert await admitted(limit, [10_000, 1]) == [True, False]
    await asyncio.sleep(0.06)
    shared.next_minute()
    shared.ends_at = monotonic() + 60
    assert await admitted(limit, [10_000]) == [True]


async def test_without_a_limit_nothing_is_counted() -> None:
    shared = Shared()
    assert all(await admitted(limit_of(0, shared), [10_000] * 1_000))
    assert shared.asked == 0


async def test_a_key_does_not_wait_for_another_keys_lease() -> None:
    shared, gate = Shared(), asyncio.Event()
    lease = shared.lease

    async def slow(counter: str, *arguments: Any, **named: Any) -> Window:
        if counter.endswith(":k"):
            await gate.wait()
        return await lease(counter, *arguments, **named)

    shared.lease = slow  # type: ignore[method-assign]
    limit = limit_of(1_000, shared)
    slow_ones = asyncio.create_task(admitted(limit, [600, 600]))
    async with asyncio.timeout(10):
        assert await admitted(limit, [600, 600], OTHER) == [True, False]
    gate.set()
    assert sorted(await slow_ones) == [False, True]
