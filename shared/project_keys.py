"""The keys of one project, as its owners see and change them while a gateway runs (operating.md, "Projects and
keys")."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import LiteralString

import msgspec

from shared.audit import Actor, audit_async
from shared.clients.postgres import AsyncConnection, Postgres
from shared.clients.redis import RedisUnavailable
from shared.keys import (
    END,
    INSERT,
    LIST,
    REVOKE,
    SHOWN,
    Key,
    Kind,
    Scope,
    UnreadableKey,
    check_rules,
    check_scopes,
    deed_about_key,
    generate,
    hash_key,
    listed,
    new_key_id,
)

MOST_KEYS = 500
"""Of one project that are not revoked."""

GRACE = timedelta(hours=24)
"""How long a key is good once another has replaced it."""

_SHOWN_KEYS: LiteralString = (
    "SELECT * FROM (" + LIST + ") AS found ORDER BY revoked_at IS NOT NULL, created_at, id LIMIT 1000"  # noqa: S608 - two constants
)

Tell = Callable[[str], Awaitable[None]]
"""Publishes the hash of a changed key on `keys.REVOCATIONS`. Raises `RedisUnavailable`."""


class TooManyKeys(Exception):
    """The project has `MOST_KEYS`."""


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. `limit`: requests a minute, of either kind; None: the default, 0: none."""

    kind: Kind
    name: str
    scopes: tuple[Scope, ...]
    origins: tuple[str, ...] = ()
    limit: int | None = None


class ProjectKeys:
    """Each call is about one project: no other's key is seen or changed.

    Every call may raise `PostgresUnavailable`. Gateways are told of each change; without Redis they notice within 30
    seconds.
    """

    def __init__(self, postgres: Postgres, tell: Tell) -> None:
        self._postgres = postgres
        self._tell = tell

    async def of_project(self, project_id: str) -> list[Key | UnreadableKey]:
        """Those that are good first, the oldest of them first; revoked ones too, as far as they are few."""
        return [listed(row) for row in await self._postgres.query(_SHOWN_KEYS, {"of": project_id})]

    async def add(self, project_id: str, new: NewKey, by: Actor) -> str:
        """Make a key and return it, this once: only its hash is stored. Raises `TooManyKeys`, and ValueError for scopes
        that it can't have."""
        check_scopes(f"{new.kind}_", new.scopes)
        token = generate(new.kind)
        by_kind = {name: new.limit for name in ("ingest", "read") if _is_limited(name, new.scopes)}

        async def add(db: AsyncConnection) -> None:
            limits = [by_kind.get("ingest"), by_kind.get("read")]
            await _insert(db, project_id, token, [new.name, list(new.scopes), list(new.origins), *limits], by)

        await self._postgres.change(add)
        await self._told(hash_key(token))
        return token

    async def rotate(self, project_id: str, key_id: str, by: Actor) -> tuple[str, str] | None:
        """Make a key with the same rules, and return their name and the new key, this once; the old one is good for
        `GRACE` more. None where the project has no good key of this id. Raises `TooManyKeys`, and ValueError for a row
        that makes no key."""

        async def rotate(db: AsyncConnection) -> tuple[str, str, str] | None:
            ended = await db.execute(END, {"grace": GRACE, "id": key_id, "of": project_id})
            if (row := await ended.fetchone()) is None:
                return None
            _, digest, ends, prefix, name, scopes, origins, *limits = row
            check_rules(key_id, scopes, origins)
            token = generate("pk" if prefix.startswith("pk_") else "dt")
            new_id = await _insert(db, project_id, token, [name, scopes, origins, *limits], by)
            rotated = {"name": name, "replaced_by": new_id, "ends": ends}
            await audit_async(db, deed_about_key("key.rotated", project_id, key_id, **rotated), by)
            return name, token, digest

        made = await self._postgres.change(rotate)
        if made is None:
            return None
        name, token, old = made
        for digest in (old, hash_key(token)):
            await self._told(digest)
        return name, token

    async def revoke(self, project_id: str, key_id: str, by: Actor) -> bool:
        """End a key; False where the project has none of this id."""

        async def revoke(db: AsyncConnection) -> str | None:
            done = await db.execute(REVOKE, {"id": key_id, "of": project_id})
            if (row := await done.fetchone()) is None:
                return None
            digest, _, name, was_revoked = row
            if not was_revoked:
                await audit_async(db, deed_about_key("key.revoked", project_id, key_id, name=name), by)
            return str(digest)

        digest = await self._postgres.change(revoke)
        if digest is not None:
            await self._told(digest)
        return digest is not None

    async def _told(self, digest: str) -> None:
        with suppress(RedisUnavailable):
            await self._tell(digest)


async def _insert(db: AsyncConnection, project_id: str, token: str, rules: Sequence[object], by: Actor) -> str:
    """The id of the new key. `rules`: name, scopes, origins, both limits. Raises `TooManyKeys`."""
    await db.execute("SELECT FROM projects WHERE id = %s FOR NO KEY UPDATE", [project_id])
    found = await db.execute("SELECT count(*) FROM keys WHERE project_id = %s AND revoked_at IS NULL", [project_id])
    if (await found.fetchall())[0][0] >= MOST_KEYS:
        raise TooManyKeys
    key_id = new_key_id()
    await db.execute(INSERT, [key_id, project_id, hash_key(token), token[:SHOWN], *rules, None])
    named = dict(zip(("name", "scopes", "origins", "ingest_limit", "read_limit"), rules, strict=True))
    await audit_async(db, deed_about_key("key.made", project_id, key_id, prefix=token[:SHOWN], **named), by)
    return key_id


def _is_limited(kind: str, scopes: tuple[Scope, ...]) -> bool:
    """Whether a key with these scopes makes requests of this kind."""
    return any((scope == "ingest") == (kind == "ingest") for scope in scopes)
