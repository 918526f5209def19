"""Sessions in Postgres: a token in a cookie, its SHA-256 in a row (pages.md, "Sessions").

1. A session ends 12 hours after its last use, 30 days after its beginning, when it is ended, and with its user or key.
2. The token itself is stored nowhere.
3. A link's token is good once.
"""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal, LiteralString, NamedTuple

import structlog
from msgspec.structs import replace

from gateway.query.people.sign_on.sign_on import Vouched
from gateway.query.people.visitor import Membership, Visitor
from gateway.rejections import Unavailable
from shared.audit import Actor, Deed, audit_async
from shared.claimed_users import claim_user
from shared.clients.postgres import AsyncConnection, Postgres, PostgresUnavailable
from shared.keys import hash_key

IDLE: LiteralString = "interval '12 hours'"
LIFE: LiteralString = "interval '30 days'"

MAX_SESSIONS = 50
"""Of one user or key; a further one ends the oldest."""

MAX_TOKEN = 64
"""A longer text is no token."""

_NOTED_EVERY: LiteralString = "interval '1 minute'"

_FIND: LiteralString = (
    "SELECT coalesce(u.id, k.id), coalesce(u.name, nullif(k.name, ''), k.prefix), k.id IS NOT NULL,"  # noqa: S608 - constants of ours
    f" s.used_at < now() - {_NOTED_EVERY}, p.id, p.name,"
    " coalesce(r.role, CASE WHEN 'triage' = ANY(k.scopes) THEN 'member' ELSE 'viewer' END)"
    " FROM sessions s LEFT JOIN users u ON u.id = s.user_id LEFT JOIN keys k ON k.id = s.key_id"
    " LEFT JOIN user_roles r ON r.user_id = u.id LEFT JOIN projects p ON p.id = coalesce(r.project_id, k.project_id)"
    f" WHERE s.hash = %s AND s.used_at > now() - {IDLE} AND s.created_at > now() - {LIFE} AND"
    " CASE WHEN u.id IS NOT NULL THEN u.disabled_at IS NULL ELSE k.revoked_at IS NULL"
    " AND (k.expires_at IS NULL OR k.expires_at > now()) AND 'read' = ANY(k.scopes) END"
    " ORDER BY lower(p.name), p.id"
)

How = Literal["password", "key", "link", "oidc"]
"""How somebody logs in."""

BEGUN_KEPT, REFUSED_KEPT, UNKNOWN_KEPT = 60, 20, 60
"""Entries of the audit log in an hour: of a user's or key's sessions; of refusals of a user, and of all strangers.
Whoever tries names doesn't fill the log, and doesn't hide tries with the name of a user."""

_log = structlog.get_logger(__name__)


class Tried(NamedTuple):
    """The user as whom somebody tried to log in. `name`: theirs, as it was typed."""

    user_id: str
    name: str


class Sessions:
    """All methods raise `Unavailable` while Postgres is away."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def find(self, token: str) -> Visitor | None:
        """Who the session of this token belongs to; None where it is none, or has ended. This counts as a use."""
        if not 0 < len(token) <= MAX_TOKEN:
            return None
        rows = await self._ask(_FIND, [hash_key(token)])
        if not rows:
            return None
        whose, name, is_key, to_note = rows[0][:4]
        if to_note:
            await self._note(token)
        found = {row[4]: Membership(*row[4:]) for row in rows if row[4] is not None}
        return Visitor(id=whose, name=name, is_key=is_key, memberships=found)

    async def begin(self, who: Actor, how: How) -> str:
        """The token of a new session of a user or key."""
        token = secrets.token_urlsafe(32)
        column: LiteralString = "user_id" if who.kind == "user" else "key_id"
        user_id = who.id if who.kind == "user" else None
        begun = Deed(action="session.begun", user_id=user_id, detail={"by": how}, hourly=BEGUN_KEPT)

        async def store(db: AsyncConnection) -> None:
            await db.execute(
                f"DELETE FROM sessions WHERE used_at < now() - {IDLE} OR created_at < now() - {LIFE}"  # noqa: S608 - constants of ours
                f" OR hash IN (SELECT hash FROM sessions WHERE {column} = %s"
                f" ORDER BY used_at DESC OFFSET {MAX_SESSIONS - 1})",
                [who.id],
            )
            insert: LiteralString = f"INSERT INTO sessions (hash, {column}) VALUES (%s, %s)"  # noqa: S608 - as above
            await db.execute(insert, [hash_key(token), who.id])
            await audit_async(db, begun, who)

        await self._change(store)
        return token

    async def refuse(self, address: str, how: How, tried: Tried | None) -> None:
        """Write down that somebody could not log in. A name that nobody has is not kept: it may be a password, in the
        wrong field."""
        refused = Deed(action="session.refused", detail={"by": how}, hourly=UNKNOWN_KEPT)
        if tried is not None:
            refused = replace(refused, subject=tried.name, user_id=tried.user_id, hourly=REFUSED_KEPT)
        stranger = Actor(kind="stranger", address=address)
        if not await self._change(lambda db: audit_async(db, refused, stranger)):
            _log.warning("a refused log-in is left out of the audit log: too many in an hour", by=how)

    async def end(self, token: str, address: str) -> None:
        async def end(db: AsyncConnection) -> None:
            gone = await db.execute("DELETE FROM sessions WHERE hash = %s RETURNING user_id, key_id", [hash_key(token)])
            for user_id, key_id in await gone.fetchall():
                ended = Deed(action="session.ended", user_id=user_id, hourly=BEGUN_KEPT)
                who = Actor(kind="key" if key_id else "user", id=key_id or user_id, address=address)
                await audit_async(db, ended, who)

        await self._change(end)

    async def user_of_link(self, token: str) -> str | None:
        """The name of the user whom a link would log in; None where it is used up or too old."""
        rows = await self._ask(
            "SELECT u.name FROM login_links l JOIN users u ON u.id = l.user_id"
            " WHERE l.hash = %s AND l.expires_at > now() AND u.disabled_at IS NULL",
            [hash_key(token)],
        )
        return rows[0][0] if rows else None

    async def use_link(self, token: str) -> str | None:
        """The id of a link's user. The link is used up then. None for no link that is good."""

        async def take(db: AsyncConnection) -> str | None:
            done = await db.execute(
                "DELETE FROM login_links l USING users u WHERE l.hash = %s AND u.id = l.user_id"
                " AND l.expires_at > now() AND u.disabled_at IS NULL RETURNING u.id",
                [hash_key(token)],
            )
            row = await done.fetchone()
            return None if row is None else str(row[0])

        found: str | None = await self._change(take)
        return found

    async def claim(self, vouched: Vouched, address: str, *, create: bool) -> str | None:
        """The id of the user whom a provider vouches for, with the roles that it gives; None for nobody."""
        by = Actor(kind="sluice", name="single sign-on", address=address)
        email, roles = _storable(vouched.email), vouched.roles
        found: str | None = await self._change(lambda db: claim_user(db, email, roles, by, create=create))
        return found

    async def password_of(self, name: str) -> tuple[str, str | None] | None:
        """(id, hash of the password) of a user who may log in."""
        rows = await self._ask(
            "SELECT id, password FROM users WHERE lower(name) = lower(%s) AND disabled_at IS NULL", [name]
        )
        return (rows[0][0], rows[0][1]) if rows else None

    async def sending_key(self, project_id: str) -> str:
        """The first characters of a key with which the project's logs can be sent; '' where there is none."""
        rows = await self._ask(
            "SELECT prefix FROM keys WHERE project_id = %s AND 'ingest' = ANY(scopes) AND revoked_at IS NULL"
            " AND (expires_at IS NULL OR expires_at > now()) ORDER BY prefix LIKE 'dt%%' DESC, created_at LIMIT 1",
            [project_id],
        )
        return str(rows[0][0]) if rows else ""

    async def _note(self, token: str) -> None:
        """That it was used just now. Where that fails, the session ends a little earlier."""
        with suppress(Unavailable):
            await self._change(
                lambda db: db.execute("UPDATE sessions SET used_at = now() WHERE hash = %s", [hash_key(token)])
            )

    async def _ask(self, statement: LiteralString, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        try:
            return await self._postgres.query(statement, [_storable(value) for value in values])
        except PostgresUnavailable as error:
            raise Unavailable("Postgres can't be asked who is logged in") from error

    async def _change(self, work: Any) -> Any:
        try:
            return await self._postgres.change(work)
        except PostgresUnavailable as error:
            raise Unavailable("Postgres can't be told about a session") from error


def _storable(text: str) -> str:
    """Postgres takes neither NUL nor half a surrogate pair; no name has one."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()
