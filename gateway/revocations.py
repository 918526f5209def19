"""Listens for keys that were revoked or changed, and drops them from the cache."""

import asyncio
import contextlib

import structlog

from gateway.auth import KeyCache
from shared.clients.redis import Redis
from shared.keys import REVOCATIONS

_AGAIN_S = 1.0

_log = structlog.get_logger(__name__)


class Revocations:
    """Listens for as long as the process lives.

    1. A revocation that Redis passes on ends a key's use at once.
    2. After a time without Redis every key is looked up again before it is used, as messages from that time are lost.
       Until then the cache's own time (30 s) is the backstop.
    """

    def __init__(self, redis: Redis, keys: KeyCache) -> None:
        self._redis = redis
        self._keys = keys
        self._listening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._listening = asyncio.create_task(self._listen())

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening
            self._listening = None

    async def _listen(self) -> None:
        while True:
            try:
                async for digest in self._redis.listen(REVOCATIONS):
                    if digest:
                        self._keys.forget(digest)
                    else:  # a new connection
                        self._keys.doubt()
            except Exception:
                _log.exception("can't listen for revocations: revoked keys stay valid for up to 30 s")
                await asyncio.sleep(_AGAIN_S)
