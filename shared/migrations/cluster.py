"""Brings a cluster up to date node by node: no Keeper is needed, an error names its node, and a new node gets its
tables by another run (storage.md, "Several servers").

Local tables come first on all nodes, then the Distributed ones over them; columns go the other way round. So a question
to a Distributed table never names a column that a shard lacks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from shared.clients.clickhouse import ClickHouse, ServerError, Unreachable
from shared.clients.clickhouse_nodes import Node, connection
from shared.migrations.describe import columns_of
from shared.migrations.distributed import DistributedTables
from shared.migrations.one_server import Changes, ServerMigration
from shared.migrations.plan import ColumnShape
from shared.migrations.statements import local_name
from shared.secret import AnyUrl
from shared.settings import Storage
from shared.signals.base import Table

_TIMEOUT_S = 600.0


class ClusterMigration:
    """One run. `url` names the user, the password and the database of all nodes."""

    def __init__(self, url: AnyUrl, database: str, nodes: Sequence[Node], storage: Storage, fsync: bool) -> None:
        self._url = url
        self._database = database
        self._nodes = nodes
        self._storage = storage
        self._fsync = fsync
        self._changes = Changes()
        self._away: set[Node] = set()

    def run(self, tables: Sequence[Table], allow_destructive: bool) -> Changes:
        """A node that is away, or refuses, is a conflict; the others are done, but for Distributed tables: these wait
        until the columns of all nodes are known."""
        tables = self._without_taken(tables)
        if allow_destructive:
            self._on_each(lambda server: self._drop_columns(server, tables))
        self._on_each(lambda server: self._local(server).run(self._stored(tables), allow_destructive))
        if not self._away:
            self._migrate_distributed(tables, allow_destructive)
        return self._changes

    def _on_each(self, work: Callable[[ClickHouse], Changes]) -> None:
        for node in self._nodes:
            if node in self._away:
                continue
            try:
                with connection(self._url, node, timeout_s=_TIMEOUT_S, database="default") as server:
                    self._changes.add(work(server), str(node))
            except Unreachable as error:
                self._away.add(node)
                self._changes.conflicts.append(f"{node} is away ({error}): run `sluice migrate` again when it is back")
            except ServerError as error:
                self._away.add(node)
                reason = str(error).splitlines()[0]
                self._changes.conflicts.append(f"{node} refuses ({reason}): mend it and run `sluice migrate` again")

    def _without_taken(self, tables: Sequence[Table]) -> list[Table]:
        """Those whose names no table with rows has, of a time without a cluster."""
        taken: set[str] = set()

        def look(server: ClickHouse) -> Changes:
            found = self._distributed(server).taken(table.name for table in tables)
            taken.update(found)
            return Changes(
                conflicts=[
                    f"table {name}: its engine is {engine}, and on a cluster it must be Distributed:"
                    f" stop the writers, RENAME TABLE {name} TO {local_name(name)}, and migrate again"
                    for name, engine in found.items()
                ]
            )

        self._on_each(look)
        return [table for table in tables if table.name not in taken]

    def _drop_columns(self, server: ClickHouse, tables: Sequence[Table]) -> Changes:
        conflicting = self._local(server).conflicting(self._stored(tables))
        dropped = [table for table in tables if local_name(table.name) not in conflicting]
        return self._distributed(server).drop_columns(dropped)

    def _migrate_distributed(self, tables: Sequence[Table], allow_destructive: bool) -> None:
        found: list[dict[str, Mapping[str, ColumnShape]]] = []

        def look(server: ClickHouse) -> Changes:
            found.append(columns_below(server, self._database, tables))
            return Changes()

        self._on_each(look)
        if self._away:
            return
        common = {table.name: in_common([columns[table.name] for columns in found]) for table in tables}
        self._on_each(lambda server: self._distributed(server).migrate(common, allow_destructive))

    def _stored(self, tables: Sequence[Table]) -> list[Table]:
        return [replace(table, name=local_name(table.name)) for table in tables]

    def _local(self, server: ClickHouse) -> ServerMigration:
        return ServerMigration(server, self._database, self._storage.of_one_server, self._fsync)

    def _distributed(self, server: ClickHouse) -> DistributedTables:
        return DistributedTables(server, self._database, self._storage.cluster)


def columns_below(server: ClickHouse, database: str, tables: Sequence[Table]) -> dict[str, Mapping[str, ColumnShape]]:
    """Table -> the columns of its local one on a node."""
    return {table.name: columns_of(server, database, local_name(table.name)) for table in tables}


def in_common(nodes: Sequence[Mapping[str, ColumnShape]]) -> dict[str, ColumnShape]:
    """The columns that a table has on each node, in one type; without codecs, which only storage needs."""
    first, *others = nodes
    return {
        name: shape._replace(codec="")
        for name, shape in first.items()
        if all(name in columns and columns[name].type == shape.type for columns in others)
    }
