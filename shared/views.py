"""Saved views of a project's pages, kept in Postgres (reading.md, "Views")."""

import secrets
from collections.abc import Sequence
from typing import Any, LiteralString

import msgspec

from shared.audit import Action, Actor, Deed, audit_async
from shared.clients.postgres import AsyncConnection, Postgres

MOST_VIEWS = 200
"""Of one project."""


class NameTaken(Exception):
    """The page has another view of this name; the text is its id."""


class TooManyViews(Exception):
    """The project has `MOST_VIEWS`."""


class Shown(msgspec.Struct, frozen=True):
    """What is saved. `state`: what stands in the page's address behind the `?`."""

    page: str
    name: str
    state: str


class View(msgspec.Struct, frozen=True):
    """A saved view. `created_by`: the id of a key or a user, `created_by_name` its name, if it has one. Times are
    microseconds since the epoch."""

    id: str
    shown: Shown
    created_by: str
    created_by_name: str
    created_at: int
    updated_at: int


class Views:
    """The views of all projects; each call sees and changes those of one. Every call may raise `PostgresUnavailable`:
    then a change may have been made all the same."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def of_project(self, project_id: str) -> list[View]:
        """All of them, by page and name."""
        rows = await self._postgres.query(_FOUND + " ORDER BY views.page, views.name", [project_id])
        return [_view(row) for row in rows]

    async def find(self, project_id: str, view_id: str) -> View | None:
        return _first(await self._postgres.query(_FOUND + _OF_ID, [project_id, view_id]))

    async def add(self, project_id: str, shown: Shown, by: Actor) -> View:
        """A new view. Raises `NameTaken`, `TooManyViews`."""
        view_id = f"view_{secrets.token_hex(8)}"

        async def add(db: AsyncConnection) -> View | None:
            await _alone(db, project_id)
            await _check_name(db, project_id, shown, view_id)
            count = await db.execute("SELECT count(*) FROM views WHERE project_id = %s", [project_id])
            if (await count.fetchall())[0][0] >= MOST_VIEWS:
                raise TooManyViews
            await db.execute(
                "INSERT INTO views (id, project_id, page, name, state, created_by) VALUES (%s, %s, %s, %s, %s, %s)",
                [view_id, project_id, shown.page, shown.name, shown.state, by.id],
            )
            await audit_async(db, _deed("view.made", project_id, view_id, shown), by)
            return await _find(db, project_id, view_id)

        made = await self._postgres.change(add)
        assert made is not None
        return made

    async def replace(self, project_id: str, view_id: str, shown: Shown, by: Actor) -> View | None:
        """Save something else under an id; None where the project has no such view. Raises `NameTaken`."""

        async def replace(db: AsyncConnection) -> View | None:
            await _alone(db, project_id)
            if await _find(db, project_id, view_id) is None:
                return None
            await _check_name(db, project_id, shown, view_id)
            done = await db.execute(
                "UPDATE views SET page = %(page)s, name = %(name)s, state = %(state)s, updated_at = now()"
                " WHERE project_id = %(project)s AND id = %(id)s"
                " AND (page, name, state) IS DISTINCT FROM (%(page)s, %(name)s, %(state)s)",
                {"project": project_id, "id": view_id, **msgspec.structs.asdict(shown)},
            )
            if done.rowcount:
                await audit_async(db, _deed("view.changed", project_id, view_id, shown), by)
            return await _find(db, project_id, view_id)

        return await self._postgres.change(replace)

    async def remove(self, project_id: str, view_id: str, by: Actor) -> View | None:
        """Delete a view, and return what it was; None where the project has no such view."""

        async def remove(db: AsyncConnection) -> View | None:
            await _alone(db, project_id)
            found = await _find(db, project_id, view_id)
            await db.execute("DELETE FROM views WHERE project_id = %s AND id = %s", [project_id, view_id])
            if found is not None:
                await audit_async(db, _deed("view.deleted", project_id, view_id, found.shown), by)
            return found

        return await self._postgres.change(remove)


_FOUND: LiteralString = (
    "SELECT views.id, page, views.name, state, created_by, coalesce(keys.name, users.name, ''),"
    " (extract(epoch FROM views.created_at) * 1000000)::bigint,"
    " (extract(epoch FROM views.updated_at) * 1000000)::bigint"
    " FROM views LEFT JOIN keys ON keys.id = created_by LEFT JOIN users ON users.id = created_by"
    " WHERE views.project_id = %s"
)
_OF_ID: LiteralString = " AND views.id = %s"


def _deed(action: Action, project_id: str, view_id: str, shown: Shown) -> Deed:
    """Without what it searches for, which may be anything."""
    detail = {"page": shown.page, "name": shown.name}
    return Deed(action=action, subject=view_id, project_id=project_id, detail=detail)


async def _alone(db: AsyncConnection, project_id: str) -> None:
    """One change of a project's views at a time: what it has counted and compared stays as it is."""
    await db.execute("SELECT FROM projects WHERE id = %s FOR NO KEY UPDATE", [project_id])


async def _check_name(db: AsyncConnection, project_id: str, shown: Shown, view_id: str) -> None:
    others = await db.execute(
        "SELECT id FROM views WHERE project_id = %s AND page = %s AND name = %s AND id <> %s",
        [project_id, shown.page, shown.name, view_id],
    )
    if taken := await others.fetchone():
        raise NameTaken(taken[0])


async def _find(db: AsyncConnection, project_id: str, view_id: str) -> View | None:
    return _first(await (await db.execute(_FOUND + _OF_ID, [project_id, view_id])).fetchall())


def _first(rows: Sequence[Sequence[Any]]) -> View | None:
    return _view(rows[0]) if rows else None


def _view(row: Sequence[Any]) -> View:
    view_id, page, name, state, *rest = row
    return View(view_id, Shown(page, name, state), *rest)
