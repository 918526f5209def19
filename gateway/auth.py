"""Authentication: a request's key -> the project it belongs to, from a cache in this process.

1. A known key is used for `fresh_s` without waiting; during the second half it is refreshed in the background.
2. After that it is looked up before it is used. While Postgres is away, a known key stays valid for `stale_s` more, and
   an unknown one is answered with 503, never 401.
3. Once `forget` was called for a revoked key, it is not used again, not even by a lookup that was under way.
4. Keys are looked up by SHA-256 only; the key itself is never stored.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic, time

import msgspec

from gateway.rejections import LacksScope, Unauthenticated, Unavailable
from shared.keys import ResolvedKey, hash_key

Lookup = Callable[[str], Awaitable[ResolvedKey | None]]
"""SHA-256 hex of a key -> the key, None for an unknown one. Raises `LookupFailed` while that can't be found out."""

UNKNOWN_FOR_S = 5.0
"""How long an unknown key is refused without another lookup, seconds."""

AWAY_S = 1.0
"""While Postgres is away, it is asked once in this many seconds, not for every request."""

_UNKNOWN_KEPT = 10_000
"""Most unknown keys remembered: random ones must neither fill the memory nor push out the known ones."""


class LookupFailed(Exception):
    """Whether the key is valid can't be found out now."""


class _Known(msgspec.Struct, gc=False):
    """`asked_at`: when Postgres was asked; `fresh_until`: until when its answer is enough. Monotonic clock, seconds."""

    key: ResolvedKey
    asked_at: float
    fresh_until: float


def permit(key: ResolvedKey, scope: str) -> None:
    """Raise `LacksScope` unless the key has the scope."""
    if scope not in key.scopes:
        raise LacksScope(scope)


class KeyCache:
    """The keys that this process has seen."""

    def __init__(self, lookup: Lookup, *, fresh_s: float, stale_s: float) -> None:
        self._lookup = lookup
        self._fresh_s = fresh_s
        self._stale_s = stale_s
        self._known: dict[str, _Known] = {}
        self._unknown: dict[str, float] = {}
        self._asking: dict[str, asyncio.Task[ResolvedKey | None]] = {}
        self._failed_at: float | None = None
        """When Postgres was last asked without an answer; None once it has answered."""

    async def resolve(self, token: str | None) -> ResolvedKey:
        """The key of a token.

        Raises:
            Unauthenticated: there is no token, or its key is unknown or expired.
            Unavailable: whether the key is known can't be found out now.
        """
        if not token:
            raise Unauthenticated
        digest = hash_key(token)
        known = self._known.get(digest)
        now = monotonic()
        if known is None or now > known.fresh_until:
            key = await self._found(digest, now)
        else:
            key = known.key
            if now > known.fresh_until - self._fresh_s / 2:
                self._ask(digest)
        if key.expires_at is not None and key.expires_at <= time():
            raise Unauthenticated
        return key

    @property
    def is_empty(self) -> bool:
        """Whether no key is known yet: then nobody gets in without Postgres."""
        return not self._known

    def forget(self, digest: str) -> None:
        """Drop what is known of a key: it was revoked or changed, or is new."""
        self._known.pop(digest, None)
        self._unknown.pop(digest, None)
        self._asking.pop(digest, None)

    def doubt(self) -> None:
        """Look every key up again before it is used: a revocation may have been missed."""
        for known in self._known.values():
            known.fresh_until = 0.0
        self._unknown.clear()
        self._asking.clear()

    async def _found(self, digest: str, now: float) -> ResolvedKey:
        """A key that is not fresh: from Postgres, or from its stale entry while Postgres is away."""
        if self._unknown.get(digest, 0.0) > now:
            raise Unauthenticated
        if self._failed_at is not None and (known := self._stale(digest, now)):
            if now > self._failed_at + AWAY_S:
                self._failed_at = now  # so that the next requests don't ask too
                self._ask(digest)
            return known
        if self._failed_at is not None and now <= self._failed_at + AWAY_S:
            raise Unavailable
        try:
            # Others may wait for the same lookup: it outlives a request that is cancelled.
            key = await asyncio.shield(self._ask(digest))
        except LookupFailed as error:
            if known := self._stale(digest, monotonic()):
                return known
            raise Unavailable from error
        if key is None:
            raise Unauthenticated
        return key

    def _stale(self, digest: str, now: float) -> ResolvedKey | None:
        known = self._known.get(digest)
        return known.key if known and now <= known.asked_at + self._fresh_s + self._stale_s else None

    def _ask(self, digest: str) -> "asyncio.Task[ResolvedKey | None]":
        """Ask Postgres. Requests that need the same key meanwhile share the lookup."""
        task = self._asking.get(digest)
        if task is None:
            task = self._asking[digest] = asyncio.create_task(self._answer(digest))
            task.add_done_callback(_seen)
        return task

    async def _answer(self, digest: str) -> ResolvedKey | None:
        asked_at = monotonic()
        try:
            key = await self._lookup(digest)
        except LookupFailed:
            self._failed_at = monotonic()
            raise
        finally:
            overtaken = self._asking.get(digest) is not asyncio.current_task()
            if not overtaken:
                del self._asking[digest]
        self._failed_at = None
        if overtaken:  # by a revocation, which the answer may not have seen
            return await self._ask(digest)
        self._keep(digest, key, asked_at)
        return key

    def _keep(self, digest: str, key: ResolvedKey | None, asked_at: float) -> None:
        if key is not None:
            self._unknown.pop(digest, None)
            self._known[digest] = _Known(key, asked_at, asked_at + self._fresh_s)
            return
        self._known.pop(digest, None)
        if len(self._unknown) >= _UNKNOWN_KEPT:
            self._unknown.clear()
        self._unknown[digest] = asked_at + UNKNOWN_FOR_S


def _seen(task: "asyncio.Task[ResolvedKey | None]") -> None:
    """Retrieve a failure that nobody waits for: asyncio would log it otherwise."""
    if not task.cancelled():
        task.exception()
