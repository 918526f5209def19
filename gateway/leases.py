"""Counts of requests, or records, that all gateway processes share: kept in Redis, handed to each process in portions.

A portion is limit / (shares x live processes), so that what all processes together hold unused stays within a share of
the limit (contracts.md, "Rate limit").
"""

import asyncio
import contextlib
import os
from collections.abc import Sequence
from time import monotonic, time
from typing import NamedTuple

import msgspec
import structlog

from shared.clients.redis import Redis, RedisUnavailable, Script
from shared.metrics import Metrics


class Measure(NamedTuple):
    """How something is counted: in windows of so many seconds, in portions of limit / (`shares` x live processes), at
    least 1, `most` at most."""

    window_s: int
    shares: int
    most: int


WINDOW_S = 60

A_MINUTE = Measure(WINDOW_S, 50, 100)
"""Within 2 % of the limit; a big limit costs one round trip every 100 requests."""

BEAT_S = 1.0
"""How often a process reports that it is alive. While Redis is away only the beat tries it, so no request waits."""

ALIVE_S = 5
"""A process without a beat for this long no longer counts, seconds."""

_PROCESSES = "sluice:gateways"

_LEASE = Script("""
local now = redis.call('TIME')
local second = tonumber(now[1])
local limit, wanted = tonumber(ARGV[1]), tonumber(ARGV[2])
local window, shares, most = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local ends = second - second % window + window
local state = redis.call('HMGET', KEYS[1], 'ends', 'used')
local used = tonumber(state[1]) == ends and tonumber(state[2]) or 0
local live = math.max(1, redis.call('ZCARD', KEYS[2]))
local portion = math.max(1, math.min(most, math.floor(limit / (shares * live))), wanted)
local granted = math.max(0, math.min(portion, limit - used))
redis.call('HSET', KEYS[1], 'ends', ends, 'used', used + granted)
redis.call('EXPIRE', KEYS[1], 2 * window)
return {granted, math.max(0, limit - used - granted), ends, (ends - second) * 1000000 - tonumber(now[2])}
""")

_BEAT = Script(f"""
local second = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], second, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', second - {ALIVE_S})
redis.call('EXPIRE', KEYS[1], {2 * ALIVE_S})
""")

_USED = Script(f"""
local second = tonumber(redis.call('TIME')[1])
local ends = second - second % {WINDOW_S} + {WINDOW_S}
local found = {{}}
for n, key in ipairs(KEYS) do
  local state = redis.call('HMGET', key, 'ends', 'used')
  found[n] = tonumber(state[1]) == ends and tonumber(state[2]) or 0
end
return found
""")

_log = structlog.get_logger(__name__)


class Window(msgspec.Struct, gc=False):
    """What one process holds of one key's minute.

    `left`: requests that it may let through. `pool`: what its last lease left in Redis for all processes.
    `ends_at`: by this process's monotonic clock. `resets_at`: the same moment in Unix seconds, by Redis's clock.
    """

    limit: int
    left: int
    pool: int
    ends_at: float
    resets_at: int


class Leases:
    """Hands out portions of windows.

    1. While Redis is there, all processes together never get more than the limit of a window.
    2. With Redis away each process goes on alone: with the pool of its last lease, and with a whole limit in a new
       window. Each request let through this way is counted in `sluice_local_limit_requests`.
    3. Windows are those of Redis's clock, so that processes whose clocks differ agree on them.
    """

    def __init__(self, redis: Redis, metrics: Metrics) -> None:
        self._redis = redis
        self._local_requests = metrics.local_limit_requests
        self._process = os.urandom(8).hex()
        self._away = False
        self._beating: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Join the live processes before the first request comes."""
        await self._beat()
        self._beating = asyncio.create_task(self._go_on_beating())

    async def close(self) -> None:
        """Leave this process's share to the others."""
        if self._beating is None:
            return
        self._beating.cancel()
        self._beating = None
        if not self._away:
            with contextlib.suppress(RedisUnavailable):
                await self._redis.call("ZREM", _PROCESSES, self._process)

    async def lease(
        self,
        counter: str,
        limit: int,
        wanted: int,
        before: Window | None,
        *,
        measure: Measure = A_MINUTE,
        counted: bool = True,
    ) -> Window:
        """More of this counter's window, or its next window: at least `wanted` requests if that many are left.

        `before` is what the process had last; what it still holds of the same window is kept. `counted`: with Redis
        away, what is granted are requests to count in the metric.
        """
        if not self._away:
            asked_at = monotonic()
            try:
                granted, pool, resets_at, remaining_us = await self._redis.run(
                    _LEASE, [_name(counter), _PROCESSES], [limit, wanted, *measure]
                )
            except RedisUnavailable as error:
                self._lost(error)
            else:
                if before is not None and (before.resets_at, before.limit) == (resets_at, limit):
                    granted += before.left
                # Counted from before the round trip, so it ends too early at worst: then we just ask again.
                return Window(limit, granted, pool, asked_at + remaining_us / 1e6, resets_at)
        window, granted = _local(limit, wanted, before, measure)
        if counted:
            self._local_requests.inc(granted)
        return window

    async def _go_on_beating(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            await self._beat()

    async def _beat(self) -> None:
        try:
            await self._redis.run(_BEAT, [_PROCESSES], [self._process])
        except RedisUnavailable as error:
            self._lost(error)
            return
        if self._away:
            self._away = False
            _log.info("Redis is back: rate limits are shared again")

    def _lost(self, error: RedisUnavailable) -> None:
        if not self._away:
            self._away = True
            _log.warning("Redis is away: every gateway process counts by itself", reason=str(error))


def _local(limit: int, wanted: int, before: Window | None, measure: Measure) -> tuple[Window, int]:
    """The window as this process counts it alone, and how much of it was granted now."""
    now = monotonic()
    if before is not None and now < before.ends_at and before.limit == limit:
        pool, held, ends_at, resets_at = before.pool, before.left, before.ends_at, before.resets_at
    else:
        moment = time()
        resets_at = int(moment) // measure.window_s * measure.window_s + measure.window_s
        pool, held, ends_at = limit, 0, now + resets_at - moment
    granted = min(pool, max(1, min(measure.most, limit // measure.shares), wanted))
    return Window(limit, held + granted, pool - granted, ends_at, resets_at), granted


async def used_of(redis: Redis, counters: Sequence[str]) -> list[int]:
    """How much of this minute's window of each is handed out: what is used, and what processes hold unused. Raises
    `RedisUnavailable`."""
    return [*await redis.run(_USED, [*map(_name, counters)], [])]


def _name(counter: str) -> str:
    return f"sluice:limit:{counter}"
