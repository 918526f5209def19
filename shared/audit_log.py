"""The audit log as people read it, and how long it is kept (operating.md, "Audit log")."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString

import msgspec

from shared.clients.postgres import AsyncConnection, Connection, Postgres

AT_ONCE = 5_000
"""Entries that one transaction deletes."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry. `project_id`: `*` for every project, None for none. `actor_id`: of a user or key, else ''."""

    id: int
    at: datetime
    project_id: str | None
    actor_kind: str
    actor_id: str
    actor: str
    address: str
    action: str
    subject: str
    detail: dict[str, Any]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries, the newest first. `actions`: also their kinds (`key` for all about keys); none: all. `before`: an
    entry's id."""

    actions: Sequence[str] = ()
    before: int | None = None
    limit: int = 100


class AuditLog:
    """Every call may raise `PostgresUnavailable`."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def of_project(self, project_id: str, wanted: Wanted) -> list[Entry]:
        """What concerns a project: it, every project, or one of its users."""
        return _entries(await self._postgres.query(_FOUND, _values(wanted, project_id)))

    async def prune(self, older_than: timedelta) -> int:
        """Delete what is older, not below 30 days; how many entries."""
        deleted = 0

        async def delete(db: AsyncConnection) -> int:
            return (await db.execute(_DELETE, {"age": older_than, "most": AT_ONCE})).rowcount

        while some := await self._postgres.change(delete):
            deleted += some
        return deleted


def list_entries(db: Connection, project_id: str | None, wanted: Wanted) -> list[Entry]:
    """The same for commands; of all projects, and of none, where no project is named."""
    return _entries(db.execute(_FOUND, _values(wanted, project_id)).fetchall())


_FOUND: LiteralString = """
    SELECT id, at, project_id, actor_kind, actor_id, actor, address, action, subject, detail FROM audit_log
    WHERE (%(project)s::text IS NULL OR project_id IN (%(project)s, '*') OR project_id IS NULL
        AND user_id = ANY(ARRAY(SELECT user_id FROM user_roles WHERE project_id = %(project)s)))
    AND (%(actions)s::text[] IS NULL OR action = ANY(%(actions)s) OR split_part(action, '.', 1) = ANY(%(actions)s))
    AND (%(before)s::bigint IS NULL OR id < %(before)s)
    ORDER BY id DESC LIMIT %(limit)s
"""

_DELETE: LiteralString = (
    "DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE at < now() - greatest(%(age)s, interval"
    " '31 days') LIMIT %(most)s)"
)


def _values(wanted: Wanted, project_id: str | None) -> dict[str, Any]:
    return {
        "project": project_id,
        "actions": list(wanted.actions) or None,
        "before": wanted.before,
        "limit": wanted.limit,
    }


def _entries(rows: Sequence[Sequence[Any]]) -> list[Entry]:
    return [Entry(**dict(zip(Entry.__struct_fields__, row, strict=True))) for row in rows]
