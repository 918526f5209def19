"""Listens for what was changed in Postgres by a command, and drops it from a cache."""

import asyncio
from typing import Protocol

import structlog

from shared.clients.redis import Redis
from shared.tasks import end

_AGAIN_S = 1.0

_log = structlog.get_logger(__name__)


class Cache(Protocol):
    """What a process keeps of Postgres for some seconds."""

    def forget(self, name: str, /) -> None:
        """Ask again before it is used: it was changed."""

    def doubt(self) -> None:
        """Ask for everything again before it is used: a message may have been missed."""


class Changes:
    """Listens to one channel for as long as the process lives. A message names what was changed.

    1. What Redis passes on is dropped from the cache at once: a revoked key ends.
    2. After a time without Redis everything is asked for again before it is used, as messages from that time are lost.
       Until then the cache's own time (30 s) is the backstop.
    """

    def __init__(self, redis: Redis, channel: str, cache: Cache) -> None:
        self._redis = redis
        self._channel = channel
        self._cache = cache
        self._listening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._listening = asyncio.create_task(self._listen())

    async def close(self) -> None:
        if self._listening is not None:
            await end(self._listening)
            self._listening = None

    async def _listen(self) -> None:
        while True:
            try:
                async for name in self._redis.listen(self._channel):
                    if name:
                        self._cache.forget(name)
                    else:  # a new connection
                        self._cache.doubt()
            except Exception:
                _log.exception("can't listen for changes: they take up to 30 s", channel=self._channel)
                await asyncio.sleep(_AGAIN_S)
