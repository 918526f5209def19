"""The drain of one project, as its owners set it up while a gateway runs (contracts.md, "Drain")."""

import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec

from shared.audit import Actor, Deed, audit_async
from shared.clients.postgres import AsyncConnection, Postgres
from shared.clients.redis import RedisUnavailable
from shared.projects import OF_ID, Project, changes_of, project_of, unknown

MIN_SECRET = 32
"""Characters: Vercel takes no shorter one."""

MAX_SECRET = 255

Tell = Callable[[str], Awaitable[None]]
"""Publishes the hash of a changed key on `keys.REVOCATIONS`. Raises `RedisUnavailable`."""


class Drain(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be changed; None leaves it, '' takes it away. `secret`: what Vercel signs deliveries with; `verify`:
    the code that it asks for."""

    secret: str | None = None
    verify: str | None = None


def new_secret() -> str:
    """192 random bits."""
    return secrets.token_hex(24)


class ProjectDrain:
    """Each call is about one project, and may raise `UnknownProject` and `PostgresUnavailable`. Gateways are told that
    its keys have changed; without Redis they notice within 30 seconds."""

    def __init__(self, postgres: Postgres, tell: Tell) -> None:
        self._postgres = postgres
        self._tell = tell

    async def change(self, project_id: str, drain: Drain, by: Actor) -> None:
        """From then on deliveries must be signed with the new secret; those with a former one are refused."""

        async def change(db: AsyncConnection) -> list[str]:
            row = await (await db.execute(OF_ID + " FOR UPDATE", [project_id])).fetchone()
            if row is None:
                raise unknown(project_id)
            before = project_of(row)
            after = _with(before, drain)
            await db.execute(
                "UPDATE projects SET drain_secret = %s, drain_verify = %s WHERE id = %s",
                [after.drain_secret, after.drain_verify, project_id],
            )
            if changes := changes_of(before, after):
                changed = Deed(action="project.changed", subject=after.name, project_id=project_id, detail=changes)
                await audit_async(db, changed, by)
            keys = await db.execute("SELECT hash FROM keys WHERE project_id = %s AND revoked_at IS NULL", [project_id])
            return [str(digest) for (digest,) in await keys.fetchall()]

        for digest in await self._postgres.change(change):
            with suppress(RedisUnavailable):
                await self._tell(digest)


def _with(project: Project, drain: Drain) -> Project:
    given = {"drain_secret": drain.secret, "drain_verify": drain.verify}
    return msgspec.structs.replace(
        project, **{name: value or None for name, value in given.items() if value is not None}
    )
