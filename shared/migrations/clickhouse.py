"""ClickHouse: creates the database and the tables of all signals, and brings older tables up to date."""

from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from shared.clients.clickhouse import ClickHouse, ServerError, database_of
from shared.migrations.building import derived, lacking
from shared.migrations.plan import AlterPlan, ColumnShape, Shape, Step, plan, settings_of, ttl_of
from shared.settings import Storage
from shared.signals.base import Table, create_table, table_settings

SHARDING_KEY = "cityHash64(_topic, _partition, _offset)"
"""Spreads a Distributed table's rows. It follows from a row's identity, so that a retry goes to the same shards."""

_WANTED = "_sluice_wanted"
"""A table made for a moment to see how ClickHouse writes down what we want."""

_TIMEOUT_S = 600.0

_IN_BACKGROUND = {"alter_sync": 0, "mutations_sync": 0}
"""For what rewrites all parts of a table, which may take hours."""


@dataclass(frozen=True)
class Changes:
    """What was done, what was left alone because it would have taken something away, what no ALTER can bring up to
    date, and what waits until something else is built; a sentence each."""

    done: list[str]
    left_alone: list[str]
    conflicts: list[str]
    waiting: list[str]


def migrate_clickhouse(
    url: str, tables: Iterable[Table], storage: Storage, *, fsync: bool, allow_destructive: bool
) -> Changes:
    """Create what is missing, alter what is older; a conflict stops nothing else. Blocks. Raises `ClickHouseError`."""
    with closing(ClickHouse(urlsplit(url)._replace(path="/default").geturl(), timeout_s=_TIMEOUT_S)) as server:
        return _Migration(server, database_of(url), storage, fsync).run(list(tables), allow_destructive)


def create_statements(table: Table, database: str, storage: Storage) -> list[str]:
    """The CREATE statements of a table: itself, and on a cluster the Distributed one that has its name."""
    if not storage.cluster:
        return [create_table(table, database, storage.engine)]
    local = replace(table, name=stored_in(table, storage))
    return [
        create_table(local, database, storage.engine, storage.cluster),
        f"CREATE TABLE IF NOT EXISTS `{database}`.`{table.name}` ON CLUSTER '{storage.cluster}'"
        f" AS `{database}`.`{local.name}`\n"
        f"ENGINE = Distributed('{storage.cluster}', '{database}', '{local.name}', {SHARDING_KEY})",
    ]


def stored_in(table: Table, storage: Storage) -> str:
    """The table that holds the rows: on a cluster the public name is the Distributed table's."""
    return f"{table.name}_local" if storage.cluster else table.name


def alter_statements(alter: str, table: Table, database: str, storage: Storage, *, of_columns: bool) -> list[str]:
    """An ALTER of a table; one that concerns columns goes to the Distributed table too."""
    on_cluster = f" ON CLUSTER '{storage.cluster}'" if storage.cluster else ""
    names = [stored_in(table, storage), *([table.name] if storage.cluster and of_columns else [])]
    return [f"ALTER TABLE `{database}`.`{name}`{on_cluster} {alter}" for name in names]


class _Migration:
    """One run. Whoever runs it holds the lock: the scratch table has one name."""

    def __init__(self, server: ClickHouse, database: str, storage: Storage, fsync: bool) -> None:
        self._server = server
        self._database = database
        self._storage = storage
        self._settings = table_settings(storage.engine) | {
            "fsync_after_insert": str(int(fsync)),
            "fsync_part_directory": str(int(fsync)),
        }
        self._done: list[str] = []
        self._left_alone: list[str] = []
        self._conflicts: list[str] = []
        self._waiting: list[str] = []

    def run(self, tables: list[Table], allow_destructive: bool) -> Changes:
        self._create_database()
        for table in tables:
            found = self._plan(table)
            if found is None:
                self._create(table)
                found = self._plan(table)
            if found is not None:
                self._conflicts += found.conflicts
                self._alter(table, found, allow_destructive)
        return Changes(self._done, self._left_alone, self._conflicts, self._waiting)

    def _create_database(self) -> None:
        if self._server.query("SELECT 1 FROM system.databases WHERE name = %(name)s", {"name": self._database}):
            return
        on_cluster = f" ON CLUSTER '{self._storage.cluster}'" if self._storage.cluster else ""
        self._server.query(f"CREATE DATABASE IF NOT EXISTS `{self._database}`{on_cluster}")
        self._done.append(f"ClickHouse: created the database {self._database}")

    def _create(self, table: Table) -> None:
        for statement in create_statements(table, self._database, self._storage):
            self._server.query(statement)
        self._done.append(f"ClickHouse: created the table {table.name}")

    def _plan(self, table: Table) -> AlterPlan | None:
        """The way from what is there to what is wanted; None where there is no such table yet."""
        name = stored_in(table, self._storage)
        there = self._describe(name)
        if there is None:
            return None
        return plan(name, there, self._wanted(table), derived(self._server, self._database, name, table))

    def _alter(self, table: Table, found: AlterPlan, allow_destructive: bool) -> None:
        for step in found.steps:
            if step.destructive and not allow_destructive:
                self._left_alone.append(f"{table.name}: would have {step.says}; allow it with --allow-destructive")
            elif step.destructive and found.conflicts:
                self._left_alone.append(f"{table.name}: would have {step.says}; resolve its conflicts first")
            elif step.after and self._lacks(table, step.after):
                self._waiting.append(f"{table.name}: {step.says}, as soon as old parts have that")
            else:
                self._take(table, step)

    def _lacks(self, table: Table, projection: str) -> bool:
        """Whether some part doesn't have a projection yet."""
        return projection in lacking(self._server, self._database, stored_in(table, self._storage), [projection])

    def _take(self, table: Table, step: Step) -> None:
        """One step. What the server refuses is a conflict: the other steps may be possible all the same."""
        try:
            for statement in alter_statements(
                step.alter, table, self._database, self._storage, of_columns=step.of_columns
            ):
                self._server.query(statement, settings=_IN_BACKGROUND if step.background else None)
        except ServerError as error:
            reason = str(error).splitlines()[0]
            self._conflicts.append(f"table {table.name}: it could not be brought to have {step.says}: {reason}")
        else:
            self._done.append(f"ClickHouse: {table.name}: {step.says}")

    def _wanted(self, table: Table) -> Shape:
        """The shape of a table made for this: types, expressions and codecs as ClickHouse itself writes them."""
        drop = f"DROP TABLE IF EXISTS `{self._database}`.`{_WANTED}` SYNC"
        self._server.query(drop)
        self._server.query(create_table(replace(table, name=_WANTED), self._database))
        try:
            shape = self._describe(_WANTED)
        finally:
            self._server.query(drop)
        assert shape is not None
        return replace(shape, engine=self._storage.engine, settings=self._settings)

    def _describe(self, name: str) -> Shape | None:
        of = {"database": self._database, "table": name}
        found = self._server.query(
            "SELECT engine, partition_key, primary_key, sorting_key, engine_full FROM system.tables"
            " WHERE database = %(database)s AND name = %(table)s",
            of,
        )
        if not found:
            return None
        engine, partition_key, primary_key, sorting_key, engine_full = found[0]
        return Shape(
            engine=engine,
            partition_key=partition_key,
            primary_key=primary_key,
            sorting_key=sorting_key,
            ttl=ttl_of(engine_full),
            columns=self._columns(of),
            indexes=self._named(
                "SELECT name, concat(expr, ' TYPE ', type_full, ' GRANULARITY ', toString(granularity))"
                " FROM system.data_skipping_indices",
                of,
            ),
            projections=self._named("SELECT name, concat('(', query, ')') FROM system.projections", of),
            settings=settings_of(engine_full),
        )

    def _columns(self, of: Mapping[str, str]) -> dict[str, ColumnShape]:
        rows = self._server.query(
            "SELECT name, type, compression_codec, trim(concat(default_kind, ' ', default_expression))"
            " FROM system.columns WHERE database = %(database)s AND table = %(table)s ORDER BY position",
            of,
        )
        return {name: ColumnShape(kind, codec, default) for name, kind, codec, default in rows}

    def _named(self, select: str, of: Mapping[str, str]) -> dict[str, str]:
        return dict(self._server.query(f"{select} WHERE database = %(database)s AND table = %(table)s", of))
