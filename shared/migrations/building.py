"""What ClickHouse still builds for parts that are older than an index or a projection: its unfinished mutations."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.clients.clickhouse import ClickHouse
from shared.migrations.plan import Derived
from shared.signals.base import Table


@dataclass(frozen=True)
class Building:
    """One mutation. `parts`: how many it has yet to do; `failure`: why its last try failed, '' for no failure."""

    table: str
    command: str
    parts: int
    failure: str

    @property
    def key(self) -> tuple[str, str]:
        return self.table, self.command

    @property
    def sentence(self) -> str:
        """How far it is, for people."""
        failed = f"; its last try failed: {self.failure.splitlines()[0]}" if self.failure else ""
        return f"{self.table}: {self.command.strip('()')}: {self.parts:,} parts left{failed}"


def building(server: ClickHouse, database: str, tables: Iterable[str]) -> list[Building]:
    """What is being built or dropped in these tables, oldest first. Raises `ClickHouseError`."""
    rows = server.query(
        "SELECT table, command, parts_to_do, latest_fail_reason FROM system.mutations"
        " WHERE database = %(database)s AND table IN %(tables)s AND NOT is_done AND NOT is_killed"
        " AND match(command, 'INDEX|PROJECTION') ORDER BY create_time, command",
        {"database": database, "tables": tuple(tables)},
    )
    return [Building(*row) for row in rows]


def lacking(server: ClickHouse, database: str, table: str, projections: Iterable[str]) -> frozenset[str]:
    """Those of the projections that a part with rows doesn't have. Raises `ClickHouseError`."""
    rows = server.query(
        "SELECT DISTINCT projection FROM system.parts ARRAY JOIN %(projections)s AS projection"
        " WHERE database = %(database)s AND table = %(table)s AND active AND rows > 0"
        " AND NOT has(projections, projection)",
        {"database": database, "table": table, "projections": list(projections)},
    )
    return frozenset(name for (name,) in rows)


def derived(server: ClickHouse, database: str, name: str, table: Table) -> Derived:
    """What a table, stored under `name`, has that may go, or that must be gone on with. Raises `ClickHouseError`."""
    commands = " ".join(each.command for each in building(server, database, [name]))
    unbuilt = lacking(server, database, name, [rollup.name for rollup in table.all_rollups])
    return Derived(
        retired={each.name: each.successor for each in table.all_retired},
        optional=frozenset(index.name for index in table.search_indexes.values()),
        unbuilt=frozenset(each for each in unbuilt if each not in commands),
    )
