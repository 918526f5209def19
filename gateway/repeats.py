"""Deliveries that come twice are stored once (03, "Drain"): marked in Redis, pending before the publish, done after."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from gateway.rejections import Unavailable
from shared.clients.redis import Redis, RedisUnavailable, Script
from shared.metrics import Metrics

REMEMBERED_S = 600
"""How long a delivery is known to have been published."""

PENDING_S = 30
"""How long one may be on its way: a gateway that dies in between must not keep the sender out for longer."""

_PENDING, _DONE = b"pending", b"done"

_BEGIN = Script("""
local state = redis.call('GET', KEYS[1])
if not state then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
return state
""")


class Repeats:
    """Knows the deliveries of the last ten minutes.

    1. A delivery counts as done only after its block has ended without an exception.
    2. With Redis away everything is new: a repeat is then stored twice, and counted as unguarded.
    """

    def __init__(self, redis: Redis, metrics: Metrics) -> None:
        self._redis = redis
        self._unguarded = metrics.unguarded.labels("repeats")

    @asynccontextmanager
    async def once(self, name: str) -> AsyncIterator[bool]:
        """Whether the block is to do its work: False for a name whose work is done already.

        Raises `Unavailable` while somebody else is at it.
        """
        state = await self._begin(name)
        if state == _PENDING:
            raise Unavailable
        if state == _DONE:
            yield False
            return
        try:
            yield True
        except BaseException:
            with suppress(RedisUnavailable):
                await self._redis.call("DEL", name)
            raise
        with suppress(RedisUnavailable):
            await self._redis.call("SET", name, _DONE, "EX", REMEMBERED_S)

    async def _begin(self, name: str) -> bytes | None:
        """What is known of a name; None where nothing was: it is pending from now on."""
        try:
            state: bytes | None = await self._redis.run(_BEGIN, [name], [_PENDING, PENDING_S])
        except RedisUnavailable:
            self._unguarded.inc()
            return None
        return state
