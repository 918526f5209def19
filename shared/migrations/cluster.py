"""Brings a cluster up to date node by node: no Keeper is needed, an error names its node, and a new node gets its
tables by another run (storage.md, "Several servers").

Local tables come first on all nodes, then the Distributed ones over them; columns go the other way round. So a question
to a Distributed table never names a column that a shard lacks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from shared.clients.clickhouse import ClickHouse, Unreachable
from shared.clients.clickhouse_nodes import Node, connection
from shared.migrations.describe import columns_of
from shared.migrations.distributed import DistributedTables
from shared.migrations.one_server import Changes, ServerMigration
from shared.migrations.plan import ColumnShape
from shared.migrations.statements import stored_in
from shared.settings import Storage
from shared.signals.base import Table

_TIMEOUT_S = 600.0


class ClusterMigration:
    """One run. `url` names the user, the password and the database of all nodes."""

    def __init__(self, url: str, database: str, nodes: Sequence[Node], storage: Storage, fsync: bool) -> None:
        self._url = url
        self._database = database
        self._nodes = nodes
        self._storage = storage
        self._fsync = fsync
        self._changes = Changes()
        self._away: set[Node] = set()

    def run(self, tables: Sequence[Table], allow_destructive: bool) -> Changes:
        """A node that is away is a conflict; the others are done, but for Distributed tables: these wait until the
        columns of all nodes are known."""
        if allow_destructive:
            self._on_each(lambda server: self._distributed(server).drop_columns(tables))
        self._on_each(lambda server: self._migrate_local(server, tables, allow_destructive))
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

    def _migrate_local(self, server: ClickHouse, tables: Sequence[Table], allow_destructive: bool) -> Changes:
        local = [replace(table, name=stored_in(table, self._storage)) for table in tables]
        alone = Storage(engine=self._storage.engine)
        return ServerMigration(server, self._database, alone, self._fsync).run(local, allow_destructive)

    def _migrate_distributed(self, tables: Sequence[Table], allow_destructive: bool) -> None:
        found: list[dict[str, Mapping[str, ColumnShape]]] = []

        def look(server: ClickHouse) -> Changes:
            names = {table.name: stored_in(table, self._storage) for table in tables}
            found.append({name: columns_of(server, self._database, local) for name, local in names.items()})
            return Changes()

        self._on_each(look)
        if self._away:
            return
        common = {table.name: in_common([columns[table.name] for columns in found]) for table in tables}
        self._on_each(lambda server: self._distributed(server).migrate(common, allow_destructive))

    def _distributed(self, server: ClickHouse) -> DistributedTables:
        return DistributedTables(server, self._database, self._storage.cluster)


def in_common(nodes: Sequence[Mapping[str, ColumnShape]]) -> dict[str, ColumnShape]:
    """The columns that a table has on each node, in one type; without codecs, which only storage needs."""
    first, *others = nodes
    return {
        name: shape._replace(codec="")
        for name, shape in first.items()
        if all(name in columns and columns[name].type == shape.type for columns in others)
    }
