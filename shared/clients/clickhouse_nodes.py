"""The nodes of a ClickHouse cluster, as a server that belongs to it names them (storage.md, "Several servers")."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from shared.clients.clickhouse import ClickHouse
from shared.clients.errors import ClickHouseError
from shared.secret import AnyUrl, text_of

_OF_OTHER_HOSTS = ("alt_hosts", "round_robin")


class UnknownCluster(ClickHouseError):
    """The server knows no cluster of this name. The text says what to do."""


class Node(NamedTuple):
    """One server of a cluster; shards and replicas count from 1."""

    shard: int
    replica: int
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def url(self, url: AnyUrl) -> str:
        """Its address, with the user, database and options of another node's, but for those that lead elsewhere."""
        parts: SplitResult = urlsplit(text_of(url))
        user, at, _ = parts.netloc.rpartition("@")
        host = f"[{self.host}]" if ":" in self.host else self.host
        options = urlencode([each for each in parse_qsl(parts.query) if each[0] not in _OF_OTHER_HOSTS], safe="/")
        return parts._replace(netloc=f"{user}{at}{host}:{self.port}", query=options).geturl()


def nodes_of(server: ClickHouse, cluster: str) -> list[Node]:
    """All of them, shard by shard. Raises `UnknownCluster`, `ClickHouseError`."""
    rows = server.query(
        "SELECT shard_num, replica_num, host_name, port FROM system.clusters WHERE cluster = %(cluster)s"
        " ORDER BY shard_num, replica_num",
        {"cluster": cluster},
    )
    if not rows:
        raise UnknownCluster(
            f"ClickHouse knows no cluster {cluster!r} (SLUICE_CLICKHOUSE_CLUSTER): name one of system.clusters, or"
            " add it to remote_servers in the configuration of every server"
        )
    return [Node(*row) for row in rows]


@contextmanager
def connection(url: AnyUrl, node: Node, *, timeout_s: float, database: str | None = None) -> Iterator[ClickHouse]:
    """A connection of its own to a node; `database`: another one than the URL's."""
    there = urlsplit(node.url(url))
    if database is not None:
        there = there._replace(path=f"/{database}")
    with closing(ClickHouse(there.geturl(), timeout_s=timeout_s, connect_timeout_s=min(timeout_s, 5.0))) as server:
        yield server
