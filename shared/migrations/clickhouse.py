"""ClickHouse: creates the database and the tables of all signals, and brings older tables up to date."""

from collections.abc import Iterable
from contextlib import closing
from urllib.parse import urlsplit

from shared.clients.clickhouse import ClickHouse, database_of
from shared.clients.clickhouse_nodes import nodes_of
from shared.migrations.cluster import ClusterMigration
from shared.migrations.one_server import Changes, ServerMigration
from shared.secret import AnyUrl, text_of
from shared.settings import Storage
from shared.signals.base import Table

_TIMEOUT_S = 600.0


def migrate_clickhouse(
    url: AnyUrl, tables: Iterable[Table], storage: Storage, *, fsync: bool, allow_destructive: bool
) -> Changes:
    """Create what is missing, alter what is older; a conflict stops nothing else. Blocks. Raises `ClickHouseError`."""
    database = database_of(url)
    with closing(ClickHouse(urlsplit(text_of(url))._replace(path="/default").geturl(), timeout_s=_TIMEOUT_S)) as server:
        if not storage.is_each_node:
            return ServerMigration(server, database, storage, fsync).run(list(tables), allow_destructive)
        nodes = nodes_of(server, storage.cluster)
    return ClusterMigration(url, database, nodes, storage, fsync).run(list(tables), allow_destructive)
