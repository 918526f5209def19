"""How many records a minute a drain may bring with one key (contracts.md, "Rate limit"): a request can hold thousands,
so that counting requests alone bounds little."""

import asyncio
from math import ceil
from time import monotonic

from gateway.leases import Leases, Window
from gateway.rejections import RateLimited
from shared.keys import ResolvedKey

_PORTIONS = 500
"""A lease is this part of the limit at least: a big drain asks Redis for every few requests."""


class RecordLimit:
    """Counts records before they are published. `limit`: of a key and minute; 0: none.

    A request that does not fit into what is left of the minute is refused whole; a smaller one may still fit.
    """

    def __init__(self, limit: int, leases: Leases) -> None:
        self._limit = limit
        self._leases = leases
        self._windows: dict[str, Window] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._minute = 0

    async def admit(self, key: ResolvedKey, n: int) -> None:
        """Count so many records, or raise `RateLimited`."""
        if not self._limit or self._takes(key.key_id, n):
            return
        # Two leases of a key at once would both keep what was left before.
        async with self._turns.setdefault(key.key_id, asyncio.Lock()):
            if self._takes(key.key_id, n):
                return
            window = self._windows.get(key.key_id)
            held = window if window and monotonic() < window.ends_at else None
            if held is None or held.left + held.pool >= n:
                missing = n - held.left if held else n
                await self._lease(key.key_id, max(missing, self._limit // _PORTIONS), window)
        if not self._takes(key.key_id, n):
            raise RateLimited(ceil(self._windows[key.key_id].ends_at - monotonic()))

    def _takes(self, key_id: str, n: int) -> bool:
        window = self._windows.get(key_id)
        if window is None or window.left < n or monotonic() >= window.ends_at:
            return False
        window.left -= n
        return True

    async def _lease(self, key_id: str, wanted: int, before: Window | None) -> None:
        window = await self._leases.lease(f"drain_records:{key_id}", self._limit, wanted, before, counted=False)
        if window.resets_at > self._minute:
            self._minute = window.resets_at
            now = monotonic()
            self._windows = {known: other for known, other in self._windows.items() if other.ends_at > now}
            self._turns = {known: turn for known, turn in self._turns.items() if turn.locked()}
        self._windows[key_id] = window
