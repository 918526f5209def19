"""Several ClickHouse servers as one cluster, each of them a shard."""

from collections.abc import Sequence

from deploy.local.ports import HOST

CLUSTER = "sluice"


def remote_servers(ports: Sequence[int], secret: str, name: str = CLUSTER) -> str:
    """XML for each server's configuration. With the secret a server asks another one as the user that asked it."""
    shards = "".join(
        "<shard><internal_replication>true</internal_replication>"
        f"<replica><host>{HOST}</host><port>{port}</port></replica></shard>"
        for port in ports
    )
    return f"<remote_servers><{name}><secret>{secret}</secret>{shards}</{name}></remote_servers>"
