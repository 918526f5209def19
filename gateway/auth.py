"""Who sends: a request's key -> the project it belongs to, from a cache in this process.

1. A known key is used for `fresh_s` without asking; after that it is used once more while it is asked for again.
2. With Postgres away a known key stays good for `stale_s`; an unknown one is answered 503, never 401.
3. Keys are looked up by SHA-256 only; the key itself is kept nowhere.
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

_REMEMBERED = 100_000
"""Entries kept at most; over that the cache starts afresh (random keys must not fill the memory)."""


class LookupFailed(Exception):
    """Whether the key is good can't be found out now."""


class _Entry(msgspec.Struct, gc=False):
    key: ResolvedKey | None
    asked_at: float
    refreshing: bool = False


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


class KeyCache:
    """The keys that this process has seen."""

    def __init__(self, lookup: Lookup, *, fresh_s: float, stale_s: float) -> None:
        self._lookup = lookup
        self._fresh_s = fresh_s
        self._stale_s = stale_s
        self._entries: dict[str, _Entry] = {}
        self._refreshes: set[asyncio.Task[None]] = set()

    async def resolve(self, token: str | None, scope: str) -> ResolvedKey:
        """What is known of a key.

        Raises:
            Unauthenticated: there is no key, or none that is known.
            LacksScope: it is good for other things only.
            Unavailable: whether it is known can't be found out now.
        """
        if not token:
            raise Unauthenticated
        digest = hash_key(token)
        entry = self._entries.get(digest)
        now = monotonic()
        if entry is None or now - entry.asked_at > self._fresh_s or entry.key is None:
            entry = await self._renewed(digest, entry, now)
        if entry.key is None or (entry.key.expires_at is not None and entry.key.expires_at <= time()):
            raise Unauthenticated
        if scope not in entry.key.scopes:
            raise LacksScope(scope)
        return entry.key

    @property
    def is_empty(self) -> bool:
        """Whether no key is known yet: without Postgres nobody can be let in then."""
        return not any(entry.key for entry in self._entries.values())

    def forget(self, digest: str | None = None) -> None:
        """Ask again for a key (revoked, changed), or for all."""
        if digest is None:
            self._entries.clear()
        else:
            self._entries.pop(digest, None)

    async def _renewed(self, digest: str, entry: _Entry | None, now: float) -> _Entry:
        if entry is None or (entry.key is None and now - entry.asked_at > UNKNOWN_FOR_S):
            return await self._ask(digest)
        if entry.key is not None:
            if now - entry.asked_at > self._fresh_s + self._stale_s:
                return await self._ask(digest)
            self._refresh_beside(digest, entry)
        return entry

    async def _ask(self, digest: str) -> _Entry:
        try:
            key = await self._lookup(digest)
        except LookupFailed as error:
            raise Unavailable from error
        if len(self._entries) >= _REMEMBERED:
            self._entries.clear()
        entry = self._entries[digest] = _Entry(key, monotonic())
        return entry

    def _refresh_beside(self, digest: str, entry: _Entry) -> None:
        """Ask again without making the request wait; a failure leaves the entry as it is."""
        if entry.refreshing:
            return
        entry.refreshing = True
        task = asyncio.create_task(self._refresh(digest, entry))
        self._refreshes.add(task)
        task.add_done_callback(self._refreshes.discard)

    async def _refresh(self, digest: str, entry: _Entry) -> None:
        try:
            await self._ask(digest)
        except Unavailable:
            await asyncio.sleep(1.0)
        finally:
            entry.refreshing = False
