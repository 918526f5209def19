"""Several servers of one kind as a cluster: brokers of Kafka, shards of ClickHouse."""

from collections.abc import Sequence

from deploy.local.clickhouse import ClickHouse
from deploy.local.folder import DataFolder
from deploy.local.kafka import Kafka, Quorum, new_cluster_id
from deploy.local.ports import HOST, free_port

CLUSTER = "sluice"
"""The name of the cluster of ClickHouse servers."""


class OtherShape(Exception):
    """The folder holds the data of another number of servers. The text says what to do."""


def numbered(role: str, number: int) -> str:
    """The role of one of several, counted from 0."""
    return role if number == 0 else f"{role}-{number + 1}"


def kept(folder: DataFolder, what: str, asked: int | None, role: str) -> int:
    """How many servers a folder's data is spread over; what was asked for, or 1, for an empty one. Raises
    `OtherShape`."""
    known = folder.recall("shape", what) or (1 if (folder.path / role).exists() else None)
    if known is not None and asked not in (None, known):
        raise OtherShape(
            f"{folder.path} holds the data of {known} {what}: leave --{what} out, or name another --data-dir"
        )
    count = int(known or asked or 1)
    folder.remember("shape", what, count)
    return count


def brokers(folder: DataFolder, count: int, port: int | None) -> list[Kafka]:
    """Kafka's processes; `port` is that of the first one, None for any."""
    quorum = _quorum(folder, count) if count > 1 else None
    made = []
    for number in range(count):
        role = numbered("kafka", number)
        own = port if number == 0 and port else folder.recall("ports", role)
        broker = Kafka(folder.path / role, port=own, log=folder.log(role), node=number + 1, quorum=quorum)
        broker.role = role
        made.append(broker)
    return made


def shards(folder: DataFolder, count: int, port: int | None) -> list[ClickHouse]:
    """ClickHouse's processes, each of them a shard of `CLUSTER` where there are several."""
    roles = [numbered("clickhouse", number) for number in range(count)]
    ports = [folder.recall("ports", role) for role in roles]
    ports[0] = port or ports[0]
    extra = ""
    if count > 1:
        ports = _distinct(ports)
        extra = remote_servers(ports, folder.password("clickhouse-cluster"))
    made = []
    for role, own in zip(roles, ports, strict=True):
        shard = ClickHouse(
            folder.path / role,
            port=own,
            http_port=folder.recall("ports", f"{role}-http"),
            password=folder.password("clickhouse"),
            extra_config=extra,
            log=folder.log(role),
        )
        shard.role = role
        made.append(shard)
    return made


def remote_servers(ports: Sequence[int | None], secret: str) -> str:
    """XML for each server's configuration. With the secret a server asks another one as the user that asked it."""
    shards = "".join(
        "<shard><internal_replication>true</internal_replication>"
        f"<replica><host>{HOST}</host><port>{port}</port></replica></shard>"
        for port in ports
    )
    return f"<remote_servers><{CLUSTER}><secret>{secret}</secret>{shards}</{CLUSTER}></remote_servers>"


def _quorum(folder: DataFolder, count: int) -> Quorum:
    names = [numbered("kafka-controller", number) for number in range(count)]
    controllers = _distinct([folder.recall("ports", name) for name in names])
    for name, port in zip(names, controllers, strict=True):
        folder.remember("ports", name, port)
    if (cluster_id := folder.recall("shape", "kafka-cluster-id")) is None:
        cluster_id = new_cluster_id()
        folder.remember("shape", "kafka-cluster-id", cluster_id)
    return Quorum(tuple(controllers), cluster_id)


def _distinct(preferred: Sequence[int | None]) -> list[int]:
    """A free port for each, chosen before any of them starts: each server's configuration names them all."""
    ports: list[int] = []
    for port in preferred:
        own = free_port(port)
        while own in ports:
            own = free_port()
        ports.append(own)
    return ports
