"""Who sends: a request's key -> the project it belongs to, from a cache in this process.

1. A known key is used for `fresh_s` without waiting for anybody; in the second half of that it is asked for beside.
2. After that it is asked for first. With Postgres away it stays good for `stale_s`; an unknown one is answered 503,
   never 401.
3. A revoked key that `forget` was told of is not used again, not even by a question that was under way.
4. Keys are looked up by SHA-256 only; the key itself is kept nowhere.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic, time

import msgspec

from gateway.rejections import LacksScope, Unauthenticated, Unavailable
from shared.keys import ResolvedKey, hash_key

Lookup = Callable[[str], Awaitable[ResolvedKey | None]]
"""SHA-256 hex of a key -> what is known of it. Raises `LookupFailed` when that can't be found out now."""

UNKNOWN_FOR_S = 5.0
"""How long an unknown key is refused without asking again, seconds."""

AWAY_S = 1.0
"""While Postgres is away it is asked once in so many seconds, not for every request."""

_UNKNOWN_KEPT = 100_000
"""Unknown keys remembered at most (random ones must not fill the memory, nor push out the known ones)."""


class LookupFailed(Exception):
    """Whether the key is good can't be found out now."""


class _Known(msgspec.Struct, gc=False):
    """`asked_at`: when Postgres said so; `fresh_until`: how long that is enough. By the monotonic clock."""

    key: ResolvedKey
    asked_at: float
    fresh_until: float


def key_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The key that a request's headers carry: `Authorization: Bearer` before `X-API-Key`; None where neither stands."""
    from_header = None
    for name, value in headers:
        if name == b"authorization":
            scheme, _, token = value.partition(b" ")
            if scheme.lower() == b"bearer":
                return token.strip().decode("latin-1")
        elif name == b"x-api-key":
            from_header = value.strip().decode("latin-1")
    return from_header


def permit(key: ResolvedKey, scope: str) -> None:
    """Raise `LacksScope` for a key that is good for other things only."""
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
        """When Postgres was asked in vain last; None once it has answered."""

    async def resolve(self, token: str | None) -> ResolvedKey:
        """What is known of a key.

        Raises:
            Unauthenticated: there is no key, or none that is known.
            Unavailable: whether it is known can't be found out now.
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
        """Whether no key is known yet: without Postgres nobody can be let in then."""
        return not self._known

    def forget(self, digest: str) -> None:
        """Drop what is known of a key: it was revoked or changed, or is new."""
        self._known.pop(digest, None)
        self._unknown.pop(digest, None)
        self._asking.pop(digest, None)

    def doubt(self) -> None:
        """Ask for every key again before it is used: a revocation may have been missed."""
        for known in self._known.values():
            known.fresh_until = 0.0
        self._unknown.clear()
        self._asking.clear()

    async def _found(self, digest: str, now: float) -> ResolvedKey:
        """A key that is not fresh: from Postgres, or, while that is away, as it was known before."""
        if self._unknown.get(digest, 0.0) > now:
            raise Unauthenticated
        if self._failed_at is not None and (known := self._stale(digest, now)):
            if now > self._failed_at + AWAY_S:
                self._failed_at = now
                self._ask(digest)
            return known
        if self._failed_at is not None and now <= self._failed_at + AWAY_S:
            raise Unavailable
        try:
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
        """Ask Postgres; who asks for the same key meanwhile gets the same answer."""
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
        if overtaken:  # by a revocation: the answer may be older than that
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
    """A question that nobody waits for may fail: that is no news."""
    if not task.cancelled():
        task.exception()
