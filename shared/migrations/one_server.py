"""Brings the tables of one server up to date, or those of a cluster by statements ON CLUSTER."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from shared.clients.clickhouse import ClickHouse, ServerError
from shared.migrations.building import derived, lacking
from shared.migrations.describe import describe
from shared.migrations.plan import AlterPlan, Shape, Step, plan
from shared.migrations.statements import alter_statements, create_statements, stored_in
from shared.settings import Storage
from shared.signals.base import Table, create_table, table_settings

_WANTED = "_sluice_wanted"
"""A table made for a moment to see how ClickHouse writes down what we want."""

_IN_BACKGROUND = {"alter_sync": 0, "mutations_sync": 0}
"""For what rewrites all parts of a table, which may take hours."""

_ON_CLUSTER = {"distributed_ddl_task_timeout": 3600}
"""A statement ON CLUSTER goes on after its time-out, and would be told as a failure."""


@dataclass(frozen=True)
class Changes:
    """What was done, what was left alone because it would have taken something away, what no ALTER can bring up to
    date, and what waits until something else is built; a sentence each."""

    done: list[str] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    def add(self, other: "Changes", node: str) -> None:
        """The changes of a node of a cluster, whose sentences then name it."""
        for name in (each.name for each in fields(self)):
            getattr(self, name).extend(f"{node}: {sentence}" for sentence in getattr(other, name))


class ServerMigration:
    """One run on one server. Whoever runs it holds the lock: the scratch table has one name."""

    def __init__(self, server: ClickHouse, database: str, storage: Storage, fsync: bool = False) -> None:
        self._server = server
        self._database = database
        self._storage = storage
        self._settings = {
            "fsync_after_insert": str(int(fsync)),
            "fsync_part_directory": str(int(fsync)),
        }
        self._changes = Changes()

    def run(self, tables: list[Table], allow_destructive: bool) -> Changes:
        self._create_database()
        for table in tables:
            found = self._plan(table)
            if found is None:
                self._create(table)
                found = self._plan(table)
            if found is not None:
                self._changes.conflicts.extend(found.conflicts)
                self._alter(table, found, allow_destructive)
        return self._changes

    def lacking(self, tables: Sequence[Table]) -> Changes:
        """What a run would do (`done`, `conflicts`), and what it would leave alone, without changing anything. Settings
        that fsync are left out, and projections that some part lacks: a part whose rows are all deleted does."""
        found = Changes()
        for table in tables:
            wanted = self._plan(table)
            if wanted is None:
                found.done.append(f"there is no table {stored_in(table, self._storage)}")
                continue
            found.conflicts.extend(wanted.conflicts)
            for step in wanted.steps:
                if "fsync" in step.alter or step.alter.startswith("MATERIALIZE"):
                    continue
                kept = step.destructive or step.after
                (found.left_alone if kept else found.done).append(f"{table.name}: a migration would have {step.says}")
        return found

    def conflicting(self, tables: Sequence[Table]) -> set[str]:
        """The names of those tables that no ALTER can bring up to date."""
        return {table.name for table in tables if (found := self._plan(table)) is not None and found.conflicts}

    def _create_database(self) -> None:
        if self._server.query("SELECT 1 FROM system.databases WHERE name = %(name)s", {"name": self._database}):
            return
        on_cluster = f" ON CLUSTER '{self._storage.cluster}'" if self._storage.cluster else ""
        self._run(f"CREATE DATABASE IF NOT EXISTS `{self._database}`{on_cluster}")
        self._changes.done.append(f"ClickHouse: created the database {self._database}")

    def _create(self, table: Table) -> None:
        for statement in create_statements(table, self._database, self._storage):
            self._run(statement)
        self._changes.done.append(f"ClickHouse: created the table {table.name}")

    def _run(self, statement: str, settings: Mapping[str, int] | None = None) -> None:
        self._server.query(statement, settings={**(settings or {}), **(_ON_CLUSTER if self._storage.cluster else {})})

    def _plan(self, table: Table) -> AlterPlan | None:
        """The way from what is there to what is wanted; None where there is no such table yet."""
        name = stored_in(table, self._storage)
        there = describe(self._server, self._database, name)
        if there is None:
            return None
        return plan(name, there, self._wanted(table), derived(self._server, self._database, name, table))

    def _alter(self, table: Table, found: AlterPlan, allow_destructive: bool) -> None:
        for step in found.steps:
            if step.destructive and not allow_destructive:
                self._changes.left_alone.append(
                    f"{table.name}: would have {step.says}; allow it with --allow-destructive"
                )
            elif step.destructive and found.conflicts:
                self._changes.left_alone.append(f"{table.name}: would have {step.says}; resolve its conflicts first")
            elif step.after and self._lacks(table, step.after):
                self._changes.waiting.append(f"{table.name}: {step.says}, as soon as old parts have that")
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
                self._run(statement, _IN_BACKGROUND if step.background else None)
        except ServerError as error:
            reason = str(error).splitlines()[0]
            self._changes.conflicts.append(f"table {table.name}: it could not be brought to have {step.says}: {reason}")
        else:
            self._changes.done.append(f"ClickHouse: {table.name}: {step.says}")

    def _wanted(self, table: Table) -> Shape:
        """The shape of a table made for this: types, expressions and codecs as ClickHouse itself writes them."""
        drop = f"DROP TABLE IF EXISTS `{self._database}`.`{_WANTED}` SYNC"
        self._server.query(drop)
        self._server.query(create_table(replace(table, name=_WANTED), self._database))
        try:
            shape = describe(self._server, self._database, _WANTED)
        finally:
            self._server.query(drop)
        assert shape is not None
        settings = table_settings(table.window, self._storage.engine) | self._settings
        return replace(shape, engine=self._storage.engine, settings=settings)
