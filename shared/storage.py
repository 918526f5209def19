"""How the tables of ClickHouse are made."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, structs


class Storage(msgspec.Struct, frozen=True, kw_only=True):
    """How tables are made, `SLUICE_CLICKHOUSE_*`."""

    engine: Annotated[
        Literal["MergeTree", "ReplicatedMergeTree"],
        Meta(description="MergeTree, or ReplicatedMergeTree (needs Keeper and the macros shard and replica)"),
    ] = "MergeTree"
    cluster: Annotated[
        str,
        Meta(description="A cluster of remote_servers: tables on each node, below Distributed ones; empty: one server"),
    ] = ""
    ddl: Annotated[
        Literal["each", "on_cluster"],
        Meta(description="How a cluster's tables are changed: each node by itself, or ON CLUSTER (needs Keeper)"),
    ] = "each"

    path: Annotated[
        str,
        Meta(
            pattern=r"^(/[\w{}/.-]*\{table\}[\w{}/.-]*)?\Z",
            description="Replicated tables: their place in Keeper; empty: the server's own, for ClickHouse Cloud",
        ),
    ] = "/clickhouse/tables/{shard}/{database}/{table}"
    quorum: Annotated[
        str,
        Meta(
            pattern=r"^(auto|[0-9]|[1-9][0-9])\Z",
            description="Replicated tables: replicas that must have an insert, or auto: most of them; 0: one is enough",
        ),
    ] = "auto"

    @property
    def is_replicated(self) -> bool:
        return self.engine == "ReplicatedMergeTree"

    @property
    def of_one_server(self) -> "Storage":
        """The same for the local tables of one node."""
        return structs.replace(self, cluster="")

    @property
    def is_each_node(self) -> bool:
        """Whether statements go to each node of a cluster."""
        return bool(self.cluster) and self.ddl == "each"
