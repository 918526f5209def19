"""The Distributed tables of one node: they hold no rows, and spread them over the local tables of a cluster."""

from collections.abc import Iterable, Mapping

from shared.clients.clickhouse import ClickHouse, ServerError
from shared.migrations.describe import columns_of
from shared.migrations.one_server import Changes
from shared.migrations.plan import ColumnShape, Step, column_steps
from shared.migrations.statements import create_distributed, distributed_engine, local_name
from shared.signals.base import Table


class DistributedTables:
    def __init__(self, server: ClickHouse, database: str, cluster: str) -> None:
        self._server = server
        self._database = database
        self._cluster = cluster
        self._changes = Changes()

    def taken(self, names: Iterable[str]) -> dict[str, str]:
        """Of these names those that tables of other engines have, and their engines."""
        found = {name: engine.partition(" ")[0] for name in names if (engine := self._engine(name)) is not None}
        return {name: engine for name, engine in found.items() if not engine.startswith("Distributed(")}

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
            elif not self._is_spread(engine, name):
                self._spread(name, allow_destructive)
            elif self._differing(name, columns):
                self._server.query(create_distributed(name, self._database, self._cluster, replace=True))
                self._changes.done.append(f"ClickHouse: {name}: its columns have the types of {local_name(name)}")
            else:
                self._add_columns(name, columns)
        return self._changes

    def lacking(self, wanted: Mapping[str, Mapping[str, ColumnShape]]) -> list[str]:
        """What a migration would change, a sentence each, without changing anything."""
        said = []
        for name, columns in wanted.items():
            engine = self._engine(name)
            if engine is None:
                said.append(f"there is no table {name}")
            elif not self._is_spread(engine, name):
                said.append(f"{name}: it is {engine.partition(' ')[0]}, and not spread by lane over {self._cluster}")
            elif differing := self._differing(name, columns):
                said.append(f"{name}: other types than in {local_name(name)}: {', '.join(differing)}")
            else:
                steps = column_steps(self._columns(name), columns)
                said += [f"{name}: a migration would have {step.says}" for step in steps if not step.destructive]
        return said

    def _engine(self, name: str) -> str | None:
        found = self._server.query(
            "SELECT engine_full FROM system.tables WHERE database = %(database)s AND name = %(table)s",
            {"database": self._database, "table": name},
        )
        return found[0][0] if found else None

    def _is_spread(self, engine: str, name: str) -> bool:
        return engine.startswith(distributed_engine(name, self._database, self._cluster))

    def _columns(self, name: str) -> dict[str, ColumnShape]:
        return {
            column: shape._replace(codec="") for column, shape in columns_of(self._server, self._database, name).items()
        }

    def _differing(self, name: str, wanted: Mapping[str, ColumnShape]) -> list[str]:
        there = self._columns(name)
        return [column for column in wanted if column in there and there[column].type != wanted[column].type]

    def _spread(self, name: str, allow_destructive: bool) -> None:
        """Bring the cluster and the sharding key up to date. A writer that sends a batch again must not meet another
        key: its rows would go to another shard, which does not know their token."""
        if allow_destructive:
            self._server.query(create_distributed(name, self._database, self._cluster, replace=True))
            self._changes.done.append(f"ClickHouse: {name}: its rows are spread by lane from now on")
        else:
            self._changes.left_alone.append(
                f"{name}: would have spread new rows by lane; stop all writers, then allow it with --allow-destructive"
            )

    def _add_columns(self, name: str, wanted: Mapping[str, ColumnShape]) -> None:
        for step in column_steps(self._columns(name), wanted):
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
