"""What `sluice migrate` would do, without doing it: `sluice migrate --check`."""

import asyncio
from contextlib import closing
from dataclasses import replace

from shared.clients.clickhouse import ClickHouse, ClickHouseError, ServerError, database_of
from shared.clients.clickhouse_nodes import connection, nodes_of
from shared.clients.postgres import Connection, QueryRefused, connect, locked
from shared.migrations.cluster import columns_below, in_common
from shared.migrations.distributed import DistributedTables
from shared.migrations.one_server import Changes, ServerMigration
from shared.migrations.postgres import migrations
from shared.migrations.run import LOCK, wanted_topics
from shared.migrations.statements import stored_in
from shared.queue import open_queue
from shared.queue.base import QueueError
from shared.registry import Registry
from shared.secret import AnyUrl
from shared.settings import Settings

_TIMEOUT_S = 30.0
_LOCK_WAIT_S = 60.0
_UNKNOWN_DATABASE = 81


async def lacking(settings: Settings, registry: Registry) -> list[str]:
    """What is not as this version wants it, a sentence each; what lacks in one store is known even if another is away.

    Raises, where nothing is known to lack:
        PostgresUnavailable, ClickHouseError, QueueUnavailable: that store is away, or refuses.
        LockHeld: a migration is running.
    """
    url = settings.services.postgres_url
    found = await asyncio.to_thread(_of_postgres, url)
    try:
        async with locked(url, LOCK, wait_s=_LOCK_WAIT_S):  # for the scratch table of the comparison
            found += await asyncio.to_thread(_of_clickhouse, settings, registry)
        found += await _of_queue(settings, registry)
    except (ClickHouseError, QueueError):
        if not found:
            raise
    return found


def tables_lacking(server: ClickHouse, settings: Settings, registry: Registry) -> Changes:
    """What a migration would do to the tables of one server (`done`, `conflicts`), and what it would leave alone.
    Whoever calls holds the lock of migrations: a scratch table is made for a moment."""
    database, storage = database_of(settings.services.clickhouse_url), settings.storage
    tables = [table.searched_by(settings.search.index) for table in registry.tables]
    stored = [replace(table, name=stored_in(table, storage)) for table in tables]
    found = ServerMigration(server, database, storage.of_one_server).lacking(stored)
    if storage.is_each_node:
        wanted = {name: in_common([columns]) for name, columns in columns_below(server, database, tables).items()}
        found.done.extend(DistributedTables(server, database, storage.cluster).lacking(wanted))
    return found


def migrations_lacking(db: Connection) -> list[str]:
    """The names of those that Postgres lacks. Raises `QueryRefused` where none was ever made."""
    applied = {number for (number,) in db.execute("SELECT number FROM sluice_migrations").fetchall()}
    return [each.name for each in migrations() if each.number not in applied]


def _of_postgres(url: AnyUrl) -> list[str]:
    try:
        with connect(url) as db:
            return [f"Postgres: {name} lacks" for name in migrations_lacking(db)]
    except QueryRefused:
        return ["Postgres: there are no tables"]


def _of_clickhouse(settings: Settings, registry: Registry) -> list[str]:
    url, cluster = settings.services.clickhouse_url, settings.storage.cluster
    try:
        with closing(ClickHouse(url, timeout_s=_TIMEOUT_S)) as server:
            if not settings.storage.is_each_node:
                return _sentences("ClickHouse", tables_lacking(server, settings, registry))
            nodes = nodes_of(server, cluster)
        found = []
        for node in nodes:
            with connection(url, node, timeout_s=_TIMEOUT_S) as server:
                found += _sentences(f"ClickHouse {node}", tables_lacking(server, settings, registry))
    except ServerError as error:
        if error.code != _UNKNOWN_DATABASE:
            raise
        return ["ClickHouse: there is no database"]
    return found


def _sentences(where: str, changes: Changes) -> list[str]:
    return [f"{where}: {sentence}" for sentence in (*changes.conflicts, *changes.done)]


async def _of_queue(settings: Settings, registry: Registry) -> list[str]:
    queue = open_queue(settings)
    try:
        names = [spec.name for spec in wanted_topics(registry, settings.topics)]
        return [f"queue: there is no topic {name}" for name in await queue.check_topics(names)]
    finally:
        await queue.close()
