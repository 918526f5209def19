"""Whether a table can be written to: it has the columns and remembers tokens (delivery.md, "What ClickHouse needs")."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from shared.clients.clickhouse import ClickHouse
from shared.clients.clickhouse_nodes import Node, nodes_of
from shared.signals.base import Table
from writer.held import on_all_nodes
from writer.wire.block import unsupported

_DISTRIBUTED = re.compile(r"Distributed\('([^']*)', *'([^']*)', *'([^']*)'")
_SETTING = "replicated_deduplication_window"
_WINDOW = re.compile(rf"\b(non_)?{_SETTING} *= *(\d+)")


class UnfitTable(Exception):
    """The table exists but must not be written to. The text says why, and what to do."""


class MissingTable(Exception):
    """The table doesn't exist yet: `sluice migrate` creates it."""


@dataclass(frozen=True)
class TableFacts:
    """What the server reports of a table."""

    name: str
    engine: str
    window: int
    """The number of blocks that it remembers by token."""
    columns: Mapping[str, str]
    """Name -> type, as the server spells it."""


class Facts(NamedTuple):
    """What all servers report that hold rows of a table."""

    tables: Sequence[TableFacts]
    is_whole: bool = True
    """Every node of the cluster has answered."""


def look_up(clickhouse: ClickHouse, database: str, name: str) -> Facts:
    """Ask the server; about a Distributed table's local ones all nodes of its cluster, but those that are away: their
    lanes wait, and no others. Raises `MissingTable`, `UnfitTable`, `ClickHouseError`."""
    found = clickhouse.query(
        "SELECT engine_full FROM system.tables WHERE database = %(database)s AND name = %(name)s",
        {"database": database, "name": name},
    )
    if not found:
        raise MissingTable(f"there is no table {database}.{name} yet: run `sluice migrate`")
    if (over := _DISTRIBUTED.match(found[0][0])) is None:
        return Facts(_facts(clickhouse, "", database, name))
    cluster, local_database, local = over.groups()
    nodes = nodes_of(clickhouse, cluster)
    _check_replicas(clickhouse, cluster, nodes)
    facts = _facts(clickhouse, cluster, local_database or database, local, nodes)
    return Facts(facts, is_whole=len(facts) == len(nodes))


def _facts(
    clickhouse: ClickHouse, cluster: str, database: str, name: str, nodes: Sequence[Node] = ()
) -> list[TableFacts]:
    """Those of each node that answers; of the one server without a cluster."""
    place = "_shard_num - 1" if cluster else "0"  # to this function each replica is a shard of its own

    def ask(columns: str, table: str, where: str = "1") -> dict[int, list[tuple[Any, ...]]]:
        sql = f"SELECT {place}, {columns} FROM {on_all_nodes(table, cluster)} WHERE {where}"  # noqa: S608 - ours
        by_node: dict[int, list[tuple[Any, ...]]] = {}
        for node, *row in clickhouse.query(sql, {"database": database, "name": name}, {"skip_unavailable_shards": 1}):
            by_node.setdefault(node, []).append(tuple(row))
        return by_node

    answered = ask("1", "system.one")
    tables = ask("engine, engine_full", "system.tables", "database = %(database)s AND name = %(name)s")
    columns = ask("name, type", "system.columns", "database = %(database)s AND table = %(name)s")
    plain = ask("toUInt64(value)", "system.merge_tree_settings", f"name = 'non_{_SETTING}'")
    replicated = ask("toUInt64(value)", "system.replicated_merge_tree_settings", f"name = '{_SETTING}'")
    if missing := answered.keys() - tables.keys():
        where = ", ".join(str(nodes[node]) for node in sorted(missing))
        raise MissingTable(f"there is no table {database}.{name} on {where}: run `sluice migrate`")
    return [
        TableFacts(
            f"{database}.{name}{f' on {nodes[node]}' if cluster else ''}",
            engine,
            _window(engine, engine_full, (replicated if _is_replicated(engine) else plain).get(node, [(0,)])[0][0]),
            dict(columns.get(node, ())),
        )
        for node, ((engine, engine_full),) in tables.items()
    ]


def _is_replicated(engine: str) -> bool:
    return engine.startswith("Replicated")


def _window(engine: str, engine_full: str, default: int) -> int:
    """The table's own setting, else the server's."""
    for prefix, value in _WINDOW.findall(engine_full):
        if _is_replicated(engine) == (not prefix):
            return int(value)
    return default


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


def check_table(table: Table, facts: TableFacts) -> None:
    """Raise `UnfitTable` if rows could be lost or doubled in this table, or can't be written at all."""
    if strange := unsupported(table):
        raise UnfitTable(f"column {strange[0]} of table {table.name} has a type that the writer doesn't know")
    if missing := [name for name in table.column_names if name not in facts.columns]:
        raise UnfitTable(f"table {facts.name} has no column {', '.join(missing)}: run `sluice migrate`")
    for column in table.columns:  # rows are encoded before the server names its types
        if (there := facts.columns[column.name]) != column.type:
            raise UnfitTable(f"column {column.name} of table {facts.name} is {there}, it must be {column.type}")
    if not facts.engine.endswith("MergeTree"):
        raise UnfitTable(f"table {facts.name} has the engine {facts.engine}; only MergeTree tables deduplicate")
    if facts.window == 0:
        raise UnfitTable(
            f"table {facts.name} remembers no inserts (its deduplication window is 0), so a retry would store rows"
            " twice: run `sluice migrate`"
        )
