"""Whether a table can be written to: it has the columns and remembers tokens (delivery.md, "What ClickHouse needs")."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from shared.clients.clickhouse import ClickHouse
from shared.signals.base import Table
from writer.wire.block import unsupported

_DISTRIBUTED = re.compile(r"Distributed\('([^']*)', *'([^']*)', *'([^']*)'")
_WINDOW = re.compile(r"\b(non_)?replicated_deduplication_window *= *(\d+)")


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


class MadeOf(NamedTuple):
    """The local tables below a Distributed one."""

    cluster: str
    database: str
    name: str


def made_of(clickhouse: ClickHouse, database: str, name: str) -> MadeOf | None:
    """What a Distributed table is made of; None for another. Raises `MissingTable`, `ClickHouseError`."""
    over = _DISTRIBUTED.match(_engine(clickhouse, database, name)[1])
    return MadeOf(over[1], over[2] or database, over[3]) if over else None


def look_up(clickhouse: ClickHouse, database: str, name: str, node: str = "") -> TableFacts:
    """Ask the server; `node` names it, where there are others. Raises `MissingTable`, `ClickHouseError`."""
    of = {"database": database, "name": name}
    engine, engine_full = _engine(clickhouse, database, name, node)
    columns = clickhouse.query(
        "SELECT name, type FROM system.columns WHERE database = %(database)s AND table = %(name)s", of
    )
    window = _window(clickhouse, engine, engine_full)
    return TableFacts(f"{database}.{name}{_on(node)}", engine, window, dict(columns))


def _engine(clickhouse: ClickHouse, database: str, name: str, node: str = "") -> tuple[str, str]:
    found = clickhouse.query(
        "SELECT engine, engine_full FROM system.tables WHERE database = %(database)s AND name = %(name)s",
        {"database": database, "name": name},
    )
    if not found:
        raise MissingTable(f"there is no table {database}.{name}{_on(node)} yet: run `sluice migrate`")
    ((engine, engine_full),) = found
    return engine, engine_full


def _on(node: str) -> str:
    return f" on {node}" if node else ""


def _window(clickhouse: ClickHouse, engine: str, engine_full: str) -> int:
    """The table's own setting, else the server's."""
    replicated = engine.startswith(("Replicated", "Shared"))  # the second is ClickHouse Cloud's
    for prefix, value in _WINDOW.findall(engine_full):
        if replicated == (not prefix):
            return int(value)
    settings, setting = ("replicated_merge_tree_settings", "replicated_deduplication_window")
    if not replicated:
        settings, setting = "merge_tree_settings", "non_" + setting
    found = clickhouse.query(f"SELECT value FROM system.{settings} WHERE name = %(name)s", {"name": setting})  # noqa: S608
    return int(found[0][0]) if found else 0


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
