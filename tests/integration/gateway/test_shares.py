"""Shares of projects over a real Redis: several processes' worth of `Shares` in one, sharing nothing but that Redis."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import time

from deploy.local.valkey import Valkey
from gateway.limits import Limits
from gateway.overflow.shares import WINDOW_S, Shares
from shared.clients.redis import Redis
from shared.keys import ResolvedKey
from shared.metrics import Metrics

SHARE = 1_000
A_WINDOW = SHARE * WINDOW_S


@asynccontextmanager
async def processes(url: str, n: int) -> AsyncIterator[list[Shares]]:
    redis = [Redis(url, timeout_s=30) for _ in range(n)]
    limits = [Limits(each, Metrics(), ingest=0, read=0) for each in redis]
    for each in limits:
        await each.start()
    yield [Shares(SHARE, each.leases, Metrics()) for each in limits]
    for one, other in zip(limits, redis, strict=True):
        await one.close()
        await other.close()


async def room_in_the_window() -> None:
    left = WINDOW_S - time() % WINDOW_S
    if left < 3:
        await asyncio.sleep(left + 0.1)


async def taken(shares: list[Shares], project: str, n: int = 100) -> int:
    """Records that the processes take in turn until each of them says that the project is over."""
    key = ResolvedKey(key_id="k", project_id=project, scopes=frozenset())
    records = 0
    over = [False] * len(shares)
    async with asyncio.timeout(WINDOW_S):
        while not all(over):
            over = [each.is_over(key, n) for each in shares]
            records += n * over.count(False)
            await asyncio.gather(*(task for each in shares for task in each._renewals.values()))
    return records


async def test_two_processes_share_one_window_and_both_notice(own_redis: Callable[..., Valkey]) -> None:
    async with processes(own_redis().url, 2) as both:
        await room_in_the_window()
        assert 0.9 * A_WINDOW <= await taken(both, "p") <= 1.1 * A_WINDOW


async def test_with_redis_away_each_counts_a_whole_share_alone(own_redis: Callable[..., Valkey]) -> None:
    server = own_redis()
    async with processes(server.url, 2) as both:
        server.stop()
        await room_in_the_window()
        assert 1.8 * A_WINDOW <= await taken(both, "p") <= 2.2 * A_WINDOW
