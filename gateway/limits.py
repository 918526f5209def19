"""How many requests a minute a key may make (contracts.md, "Rate limit"): fixed windows aligned to the UTC minute.

A request that this process's lease covers costs a dict lookup and a decrement; one request per portion asks Redis.
"""

import asyncio
from dataclasses import dataclass
from math import ceil
from operator import attrgetter
from time import monotonic
from typing import Literal

from gateway.drains.record_limit import RecordLimit
from gateway.http.answer import Headers
from gateway.leases import Leases, Window
from gateway.rejections import RateLimited
from shared.clients.redis import Redis
from shared.keys import ResolvedKey
from shared.metrics import Metrics

Kind = Literal["ingest", "read", "drain"]
"""Kinds of requests; each is counted separately, with a limit of its own."""


@dataclass
class _Renewal:
    """A lease that was requested, and how many requests wait for it."""

    task: asyncio.Task[None] | None = None
    waiting: int = 0


class Limiter:
    """Counts the requests of one kind.

    1. Every request of a resolved key is counted, whatever its outcome; one refused with 429 is not.
    2. Answers carry limit, remaining and reset: they are added to `headers` before anything is raised. Without a limit
       there is no header, no count, and no call to Redis.
    """

    def __init__(self, kind: Kind, default: int, leases: Leases) -> None:
        self._kind = kind
        self._default = default
        self._own_limit = attrgetter(f"{kind}_limit")
        self._leases = leases
        self._windows: dict[str, Window] = {}
        self._renewals: dict[str, _Renewal] = {}
        self._minute = 0

    def admits(self, key: ResolvedKey, headers: Headers) -> bool:
        """Count the request against what this process holds. False if that is used up: then call `admit`."""
        limit = self._own_limit(key)
        if limit is None:
            limit = self._default
        if not limit:
            return True
        window = self._windows.get(key.key_id)
        if window is None or not window.left or window.limit != limit or monotonic() >= window.ends_at:
            return False
        window.left -= 1
        _tell(window, headers)
        return True

    async def admit(self, key: ResolvedKey, headers: Headers) -> None:
        """Count the request, or raise `RateLimited`."""
        while not self.admits(key, headers):
            limit = self._own_limit(key)
            limit = self._default if limit is None else limit
            window = self._windows.get(key.key_id)
            now = monotonic()
            if window is not None and now < window.ends_at and window.limit == limit and not window.pool:
                _tell(window, headers)
                raise RateLimited(ceil(window.ends_at - now))
            await self._renewed(key.key_id, limit)

    async def _renewed(self, key_id: str, limit: int) -> None:
        """Wait for the next lease; all requests of a key wait for the same one."""
        renewal = self._renewals.get(key_id)
        if renewal is None:
            renewal = self._renewals[key_id] = _Renewal()
            renewal.task = asyncio.create_task(self._renew(key_id, limit, renewal))
        assert renewal.task is not None
        renewal.waiting += 1
        try:
            await asyncio.shield(renewal.task)
        finally:
            renewal.waiting -= 1
            del renewal  # no circle with its exception (performance.md, "The garbage collector")

    async def _renew(self, key_id: str, limit: int, renewal: _Renewal) -> None:
        try:
            window = await self._leases.lease(
                f"{self._kind}:{key_id}", limit, renewal.waiting, self._windows.get(key_id)
            )
        finally:
            del self._renewals[key_id]
        if window.resets_at > self._minute:
            self._minute = window.resets_at
            self._drop_ended()
        self._windows[key_id] = window

    def _drop_ended(self) -> None:
        """Called once a minute: keys that are no longer used must not fill the memory."""
        now = monotonic()
        self._windows = {key_id: window for key_id, window in self._windows.items() if window.ends_at > now}


class Limits:
    """The limiters of one process. Defaults are requests per minute, 0 for no limit; drains have no default for those,
    but one for records."""

    def __init__(self, redis: Redis, metrics: Metrics, *, ingest: int, read: int, drain_records: int = 0) -> None:
        self.leases = leases = Leases(redis, metrics)
        self.ingest = Limiter("ingest", ingest, leases)
        self.read = Limiter("read", read, leases)
        self.drain = Limiter("drain", 0, leases)
        self.drain_records = RecordLimit(drain_records, leases)
        self.start = leases.start
        self.close = leases.close

    def of(self, kind: Kind | Literal["sentry"]) -> Limiter:
        return {"ingest": self.ingest, "sentry": self.ingest, "read": self.read, "drain": self.drain}[kind]


def _tell(window: Window, headers: Headers) -> None:
    """`remaining` is what this process knows: what others used since its last lease shows at its next one."""
    headers += (
        (b"x-ratelimit-limit", b"%d" % window.limit),
        (b"x-ratelimit-remaining", b"%d" % (window.left + window.pool)),
        (b"x-ratelimit-reset", b"%d" % window.resets_at),
    )
