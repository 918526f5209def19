"""Postgres: numbered SQL files, each run once and in its own transaction."""

import re
from collections.abc import Iterator
from importlib import resources
from typing import LiteralString, NamedTuple

from shared.clients.postgres import AsyncConnection

_FILE_NAME = re.compile(r"(\d{4})_\w+\.sql")


class Migration(NamedTuple):
    number: int
    name: str
    sql: LiteralString


class NewerDatabase(Exception):
    """The database was migrated by a newer Sluice than this one."""


def migrations() -> list[Migration]:
    """What `postgres_sql/` holds, in order. A file that has been released is never edited: add the next number."""
    return sorted(_files())


async def migrate_postgres(db: AsyncConnection) -> list[str]:
    """Run what has not been run yet; returns a sentence for each. `db` is in autocommit mode and holds the lock.

    Raises `NewerDatabase`, having changed nothing.
    """
    await db.execute(
        "CREATE TABLE IF NOT EXISTS sluice_migrations"
        " (number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    applied = {number for (number,) in await (await db.execute("SELECT number FROM sluice_migrations")).fetchall()}
    known = migrations()
    if unknown := applied - {migration.number for migration in known}:
        raise NewerDatabase(
            f"Postgres has had migration {max(unknown)}, the last one known here is {known[-1].number}:"
            " run `sluice migrate` of the newest version"
        )
    done = []
    for migration in known:
        if migration.number in applied:
            continue
        async with db.transaction():
            await db.execute(migration.sql)
            await db.execute(
                "INSERT INTO sluice_migrations (number, name) VALUES (%s, %s)", [migration.number, migration.name]
            )
        done.append(f"Postgres: ran {migration.name}")
    return done


def _files() -> Iterator[Migration]:
    for file in (resources.files("shared.migrations") / "postgres_sql").iterdir():
        if matched := _FILE_NAME.fullmatch(file.name):
            yield Migration(int(matched[1]), file.name, file.read_text())
