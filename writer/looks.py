"""Looks at what is stored, on which a lane decides what to insert (storage.md, "Replicated tables")."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from shared.clients.clickhouse import ClickHouse, Unreachable
from shared.clients.clickhouse_nodes import Node, connection, nodes_of
from shared.migrations.statements import stored_in
from shared.secret import AnyUrl
from shared.settings import Storage
from shared.signals.base import Table
from writer.row_range import LOOK_SETTINGS


class Looks:
    """`url` names the user and the database of all nodes.

    1. Where tables are replicated, the replica that is asked first takes over what the others have committed: what it
       lacks then is nowhere. Until it can, there is no answer.
    2. Each shard is asked through its first replica that answers.
    """

    def __init__(self, url: AnyUrl, storage: Storage, timeout_s: float) -> None:
        self._url = url
        self._storage = storage
        self._timeout_s = timeout_s

    def rows(
        self, clickhouse: ClickHouse, table: Table, columns: str, where: str, parameters: Mapping[str, Any]
    ) -> list[tuple[Any, ...]]:
        """Rows of a SELECT; of a replicated table on a cluster those of each shard. Raises `ClickHouseError`."""
        storage = self._storage
        if not storage.is_replicated:
            return _select(clickhouse, table.name, columns, where, parameters)
        name = stored_in(table, storage)
        if not storage.cluster:
            self._catch_up(clickhouse, name)
            return _select(clickhouse, name, columns, where, parameters)
        found = []
        for _, replicas in groupby(nodes_of(clickhouse, storage.cluster), key=lambda node: node.shard):
            with self._first(list(replicas)) as server:
                self._catch_up(server, name)
                found += _select(server, name, columns, where, parameters)
        return found

    @contextmanager
    def _first(self, replicas: list[Node]) -> Iterator[ClickHouse]:
        """The first of them that answers. Raises `Unreachable`."""
        for node in replicas:
            with connection(self._url, node, timeout_s=self._timeout_s) as server:
                try:
                    server.query("SELECT 1")
                except Unreachable:
                    continue
                yield server
                return
        raise Unreachable(f"no replica of shard {replicas[0].shard} answers: {', '.join(map(str, replicas))}")

    def _catch_up(self, server: ClickHouse, name: str) -> None:
        server.query(
            f"SYSTEM SYNC REPLICA `{server.database}`.`{name}` LIGHTWEIGHT",
            settings={"receive_timeout": max(1, int(self._timeout_s))},
        )


def _select(
    server: ClickHouse, name: str, columns: str, where: str, parameters: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    sql = f"SELECT {columns} FROM `{server.database}`.`{name}` WHERE {where}"  # noqa: S608 - names from the signals
    return list(zip(*server.query_columns(sql, parameters, LOOK_SETTINGS), strict=True))
