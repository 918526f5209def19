"""Which tables are fit to be written to, on all servers that hold their rows (storage.md, "Several servers")."""

import time
from collections.abc import Callable, Sequence
from math import inf
from typing import NamedTuple

import structlog

from shared.clients.clickhouse import ClickHouse, Unreachable
from shared.clients.clickhouse_nodes import Node, connection, nodes_of
from shared.secret import AnyUrl
from shared.signals.base import Table
from writer.tables import MadeOf, MissingTable, TableFacts, UnfitTable, check_table, look_up, made_of

ANSWER_WITHIN_S = 1.0
"""A node that says nothing for so long is away: its lanes wait, and no others."""

AWAY_S = 5.0
"""How long a node that was away isn't asked again."""


_log = structlog.get_logger(__name__)


class Remembered(NamedTuple):
    """How many inserted blocks a table remembers by token, in the shard that remembers the fewest, and its shards."""

    blocks: int
    shards: int


class Fitness:
    """Checks a table once, and again after every failure. Threads of the sink's pool call it."""

    def __init__(self, url: AnyUrl, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._monotonic = monotonic
        self._fit_until: dict[str, float] = {}
        self._away_until: dict[Node, float] = {}
        self.remembered: dict[str, Remembered] = {}
        """By the name of the table, as of its last check."""

    def is_known(self, table: Table) -> bool:
        return self._monotonic() < self._fit_until.get(table.name, 0.0)

    def forget(self, table: Table) -> None:
        """It may be another table at the next try."""
        self._fit_until.pop(table.name, None)

    def check(self, clickhouse: ClickHouse, table: Table) -> None:
        """Raises `UnfitTable`, `MissingTable`, `ClickHouseError`."""
        name = table.name
        below = made_of(clickhouse, clickhouse.database, name)
        if below is None:
            self._accept(table, [look_up(clickhouse, clickhouse.database, name)], shards=1)
            self._fit_until[name] = inf
            return
        nodes = nodes_of(clickhouse, below.cluster)
        _check_replicas(clickhouse, below.cluster, nodes)
        found = {node: facts for node in nodes if (facts := self._ask(node, below)) is not None}
        own = _own(clickhouse, below)
        if not found and own is None:
            raise Unreachable(
                f"no node of the cluster {below.cluster} answers the writer at its address in remote_servers:"
                f" {', '.join(map(str, nodes))}"
            )
        shards = len({node.shard for node in nodes})
        self._accept(table, [*found.values(), *([own] if own else [])], shards)
        # One that was left out may come back as another table.
        self._fit_until[name] = inf if len(found) == len(nodes) else self._monotonic() + AWAY_S

    def _accept(self, table: Table, found: Sequence[TableFacts], shards: int) -> None:
        for facts in found:
            check_table(table, facts)
        self.remembered[table.name] = Remembered(min(facts.window for facts in found), shards)

    def _ask(self, node: Node, below: MadeOf) -> TableFacts | None:
        """None for a node that is away."""
        if self._away_until.get(node, 0.0) > self._monotonic():
            return None
        try:
            with connection(self._url, node, timeout_s=ANSWER_WITHIN_S) as server:
                found = look_up(server, below.database, below.name, str(node))
        except Unreachable as error:
            if node not in self._away_until:
                _log.warning("a node is not looked at: it does not answer", node=str(node), error=str(error))
            self._away_until[node] = self._monotonic() + AWAY_S
            return None
        self._away_until.pop(node, None)
        return found


def _own(clickhouse: ClickHouse, below: MadeOf) -> TableFacts | None:
    """The local table of the server that inserts go to, which may be reached where its address in the cluster is not;
    None where it holds none."""
    try:
        return look_up(clickhouse, below.database, below.name)
    except MissingTable:
        return None


def _check_replicas(clickhouse: ClickHouse, cluster: str, nodes: Sequence[Node]) -> None:
    """Raise `UnfitTable` where the Distributed table would write each row to every replica: they copy by themselves."""
    if len({node.shard for node in nodes}) == len(nodes):
        return
    found = clickhouse.query(
        "SELECT DISTINCT shard_num FROM system.clusters WHERE cluster = %(cluster)s AND replica_num > 1"
        " AND NOT internal_replication",
        {"cluster": cluster},
    )
    if found:
        shards = ", ".join(str(shard) for (shard,) in sorted(found))
        raise UnfitTable(
            f"shard {shards} of the cluster {cluster} has several replicas without internal_replication: set it to true"
            " in remote_servers, else every row is stored once for each"
        )
