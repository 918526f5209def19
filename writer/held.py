"""Where the rows of a table are held: on one server, or on the shards below a Distributed table, which itself deletes
nothing (storage.md, "Several servers")."""

from collections.abc import Mapping
from typing import Any

from shared.clients.clickhouse import ClickHouse, ServerError
from shared.clients.clickhouse_nodes import Node, connection, nodes_of
from shared.migrations.statements import stored_in
from shared.secret import AnyUrl
from shared.settings import Storage
from shared.signals.base import Table

_DELETE_SETTINGS = {
    "lightweight_deletes_sync": 2,  # on return, the rows are deleted on every replica
    "mutations_sync": 2,
    "max_query_size": 64_000_000,  # the keys to keep are part of the statement
    "max_ast_elements": 10_000_000,
    "max_expanded_ast_elements": 10_000_000,
}

_FOR_EVER = {
    60: "there is no such table: run `sluice migrate`",
    392: "ON CLUSTER needs Keeper: set SLUICE_CLICKHOUSE_DDL=each",
    497: "the user of SLUICE_CLICKHOUSE_URL may not delete: GRANT ALTER DELETE",
}
"""Codes of refusals that no other try changes, and what to do."""


_SOME_GONE = "rows of this range are deleted from other nodes already: run the same again after that"


class DeletionRefused(Exception):
    """ClickHouse will never delete these rows as things are. The text says what to do."""


class Held:
    """`clickhouse` is connected to `url`."""

    def __init__(self, clickhouse: ClickHouse, url: AnyUrl, storage: Storage, timeout_s: float) -> None:
        self._clickhouse = clickhouse
        self._url = url
        self._storage = storage
        self._timeout_s = timeout_s

    def delete(self, table: Table, where: str, parameters: Mapping[str, Any], *, comment: str = "") -> None:
        """Delete rows wherever they are held; on return, they are. Raises `DeletionRefused`, `ClickHouseError`: some
        of them may be gone."""
        storage = self._storage
        on_cluster = f" ON CLUSTER '{storage.cluster}'" if storage.cluster and not storage.is_each_node else ""
        place = f"`{self._clickhouse.database}`.`{stored_in(table, storage)}`{on_cluster}"
        sql = f"DELETE FROM {place} WHERE {where}"  # noqa: S608 - names from the signals
        settings = {**_DELETE_SETTINGS, "log_comment": comment} if comment else _DELETE_SETTINGS
        if not storage.is_each_node:
            _ask(self._clickhouse, sql, parameters, settings)
            return
        for number, node in enumerate(self._holders()):
            with connection(self._url, node, timeout_s=self._timeout_s) as server:
                _ask(server, sql, parameters, settings, f"; {_SOME_GONE}" if number else "")

    def _holders(self) -> list[Node]:
        """One server of each shard where replicas copy from one another, else all."""
        nodes = nodes_of(self._clickhouse, self._storage.cluster)
        if self._storage.engine == "MergeTree":
            return nodes
        return list({node.shard: node for node in reversed(nodes)}.values())


def _ask(
    server: ClickHouse, sql: str, parameters: Mapping[str, Any], settings: Mapping[str, Any], besides: str = ""
) -> None:
    try:
        server.query(sql, parameters, settings)
    except ServerError as error:
        if error.code in _FOR_EVER:
            raise DeletionRefused(f"{_FOR_EVER[error.code]} ({error}){besides}") from error
        raise


def on_all_nodes(table: str, cluster: str) -> str:
    """A system table in SQL: the server's own, or that of all nodes of a cluster."""
    return f"clusterAllReplicas('{cluster}', {table})" if cluster else table
