"""The Distributed tables of one node: they hold no rows, and spread them over the local tables of a cluster."""

from collections.abc import Iterable, Mapping

from shared.clients.clickhouse import ClickHouse, ServerError
from shared.migrations.describe import columns_of
from shared.migrations.one_server import Changes
from shared.migrations.plan import ColumnShape, Step, column_steps
from shared.migrations.statements import create_distributed, distributed_engine
from shared.signals.base import Table


class DistributedTables:
    def __init__(self, server: ClickHouse, database: str, cluster: str) -> None:
        self._server = server
        self._database = database
        self._cluster = cluster
        self._changes = Changes()

    def drop_columns(self, tables: Iterable[Table]) -> Changes:
        """Drop what the local tables will lose."""
        for table in tables:
            wanted = {*table.column_names, *(alias.name for alias in table.aliases)}
            for name in columns_of(self._server, self._database, table.name):
                if name not in wanted:
                    self._take(table.name, Step(f"DROP COLUMN `{name}`", f"dropped the column {name}"))
        return self._changes

    def migrate(self, wanted: Mapping[str, Mapping[str, ColumnShape]], allow_destructive: bool) -> Changes:
        """Create what is missing and add columns. `wanted`: table -> the columns that its local ones have."""
        for name, columns in wanted.items():
            engine = self._engine(name)
            if engine is None:
                self._server.query(create_distributed(name, self._database, self._cluster))
                self._changes.done.append(f"ClickHouse: created the table {name}")
            elif not engine.startswith("Distributed("):
                self._changes.conflicts.append(
                    f"table {name}: its engine is {engine.partition(' ')[0]}, on the cluster {self._cluster} it must be"
                    f" Distributed: stop the writers, rename it to {name}_local, and migrate again"
                )
            else:
                self._spread(name, engine, allow_destructive)
                self._add_columns(name, columns)
        return self._changes

    def _engine(self, name: str) -> str | None:
        found = self._server.query(
            "SELECT engine_full FROM system.tables WHERE database = %(database)s AND name = %(table)s",
            {"database": self._database, "table": name},
        )
        return found[0][0] if found else None

    def _spread(self, name: str, engine: str, allow_destructive: bool) -> None:
        """Bring the cluster and the sharding key up to date. A writer that sends a batch again must not meet another
        key: its rows would go to another shard, which does not know their token."""
        if engine.startswith(distributed_engine(name, self._database, self._cluster)):
            return
        if allow_destructive:
            self._server.query(create_distributed(name, self._database, self._cluster, replace=True))
            self._changes.done.append(f"ClickHouse: {name}: its rows are spread by lane from now on")
        else:
            self._changes.left_alone.append(
                f"{name}: would have spread new rows by lane; stop all writers, then allow it with --allow-destructive"
            )

    def _add_columns(self, name: str, wanted: Mapping[str, ColumnShape]) -> None:
        there = {
            column: shape._replace(codec="") for column, shape in columns_of(self._server, self._database, name).items()
        }
        for step in column_steps(there, wanted):
            if not step.destructive:
                self._take(name, step)

    def _take(self, name: str, step: Step) -> None:
        try:
            self._server.query(f"ALTER TABLE `{self._database}`.`{name}` {step.alter}")
        except ServerError as error:
            reason = str(error).splitlines()[0]
            self._changes.conflicts.append(f"table {name}: it could not be brought to have {step.says}: {reason}")
        else:
            self._changes.done.append(f"ClickHouse: {name}: {step.says}")
