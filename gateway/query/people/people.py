"""Log-in by password, by a pasted read key, or by a one-time link (pages.md, "Who may")."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.http.answer import Headers
from gateway.query.people.attempts import Attempts
from gateway.query.people.sessions import How, Sessions, Tried
from gateway.query.people.sign_on.sign_on import SignOn, Vouched
from gateway.rejections import Unauthenticated, Unavailable
from shared.audit import Actor
from shared.keys import ResolvedKey, hash_key
from shared.passwords import fits

AT_ONCE = 2
"""Passwords that are checked at the same time: each takes 64 MiB."""

MAX_WAITING = 32

MAX_GIVEN = 2_048
"""Characters of a name, a password or a key; a longer one is wrong."""


class WrongLogin(Exception):
    """Nobody has this name and password, or this key, or the link is used up. It doesn't say which."""


@dataclass
class People:
    """`resolve_key`: the key of a token, or raises `Unauthenticated`, `Unavailable`. `count`: counts a request of
    somebody that this text stands for, adds headers, or raises `RateLimited`.

    Every log-in raises `WrongLogin`, `RateLimited`, `Unavailable`, and returns the token of a new session.
    """

    sessions: Sessions
    attempts: Attempts
    resolve_key: Callable[[str], Awaitable[ResolvedKey]]
    count: Callable[[str, Headers], Awaitable[None]]
    sign_on: SignOn | None = None
    """A provider of OpenID Connect, where one is set."""
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _waiting: int = 0

    async def admit(self, token: str, headers: Headers) -> None:
        """Count a page that a session asked for, or raise `RateLimited`."""
        await self.count(f"session {hash_key(token)}", headers)

    async def log_in(self, address: str, name: str, password: str) -> str:
        await self.attempts.admit(address, name)
        if not name or len(name) + len(password) > MAX_GIVEN:
            raise await self._wrong(address, "password")
        known = await self.sessions.password_of(name)
        # Also for a name that nobody has: how long it takes tells nothing.
        if not await self._fits(known[1] if known else None, password) or known is None:
            raise await self._wrong(address, "password", known and Tried(known[0], name))
        return await self.sessions.begin(Actor(kind="user", id=known[0], address=address), "password")

    async def log_in_with_key(self, address: str, token: str) -> str:
        await self.attempts.admit(address)
        key = await self._key(token) if len(token) <= MAX_GIVEN else None
        if key is None or "read" not in key.scopes:
            raise await self._wrong(address, "key")
        return await self.sessions.begin(Actor(kind="key", id=key.key_id, address=address), "key")

    async def log_in_with_link(self, address: str, link: str) -> str:
        await self.attempts.admit(address)
        user_id = await self.sessions.use_link(link)
        if user_id is None:
            raise await self._wrong(address, "link")
        return await self.sessions.begin(Actor(kind="user", id=user_id, address=address), "link")

    async def log_in_vouched(self, address: str, vouched: Vouched) -> str:
        """A try that was counted before."""
        create = self.sign_on is not None and self.sign_on.may_create
        user_id = await self.sessions.claim(vouched, address, create=create)
        if user_id is None:
            raise await self._wrong(address, "oidc")
        return await self.sessions.begin(Actor(kind="user", id=user_id, address=address), "oidc")

    async def _key(self, token: str) -> ResolvedKey | None:
        try:
            return await self.resolve_key(token)
        except Unauthenticated:
            return None

    async def _wrong(self, address: str, how: How, tried: Tried | None = None) -> WrongLogin:
        """It is written down."""
        await self.sessions.refuse(address, how, tried)
        return WrongLogin()

    async def _fits(self, stored: str | None, password: str) -> bool:
        if self._waiting >= MAX_WAITING:
            raise Unavailable("too many passwords wait to be checked")
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(fits, stored, password)
        finally:
            self._waiting -= 1
