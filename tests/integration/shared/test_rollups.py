"""Every rollup is read by its question, and says what the rows say
(storage.md, "Rollups are aggregating projections")."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.clients.clickhouse import ClickHouse
from shared.registry import load
from shared.signals.base import Rollup, Table, create_table

TABLES = [pytest.param(table, id=table.name) for table in load().tables]

VALUES: dict[str, str] = {
    "project_id": "['p', 'q'][number % 2 + 1]",
    "timestamp": "now64(6) - toIntervalMicrosecond(number * 7919137 % 172800000000)",
    "received_at": "now64(6) - toIntervalMillisecond(number * 1000)",
    "retention_days": "30",
    "_offset": "number",
}
"""Expressions over `number`; every other column gets one by its type."""


def value_of(name: str, kind: str) -> str:
    if name in VALUES:
        return VALUES[name]
    few = f"cityHash64('{name}', number) % 7"
    return f"concat('{name} ', toString({few}))" if "String" in kind else few


def fill(server: ClickHouse, table: Table, first: int, rows: int) -> None:
    names = ", ".join(f"`{column.name}`" for column in table.columns)
    values = ", ".join(value_of(column.name, column.type) for column in table.columns)
    server.query(
        f"INSERT INTO `{server.database}`.`{table.name}` ({names}) SELECT {values} FROM numbers({first}, {rows})",
        settings={"async_insert": 0},
    )


@pytest.fixture
def server(clickhouse_database_url: str) -> Iterator[ClickHouse]:
    connection = ClickHouse(clickhouse_database_url)
    yield connection
    connection.close()


def answers(server: ClickHouse, table: Table, rollup: Rollup) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The question's answer from the rollup, proven by its plan, and from the rows themselves; both sorted."""
    question = rollup.question.format(table=f"`{server.database}`.`{table.name}`")
    plan = "\n".join(line for (line,) in server.query(f"EXPLAIN {question}"))
    assert f"ReadFromMergeTree ({rollup.name})" in plan, plan
    from_rows = {"optimize_use_projections": 0}
    plan = "\n".join(line for (line,) in server.query(f"EXPLAIN {question}", settings=from_rows))
    assert f"({rollup.name})" not in plan, plan
    return comparable(server.query(question)), comparable(server.query(question, settings=from_rows))


def comparable(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows sorted, and the texts of a groupUniqArray too: it is a set."""
    return sorted(
        tuple(
            sorted(value) if isinstance(value, list) and value and isinstance(value[0], str) else value for value in row
        )
        for row in rows
    )


def check(server: ClickHouse, table: Table) -> None:
    for rollup in table.all_rollups:
        from_rollup, from_rows = answers(server, table, rollup)
        assert from_rollup, rollup.name
        assert from_rollup == from_rows, rollup.name


@pytest.mark.parametrize("table", TABLES)
def test_questions_are_answered_from_rollups_as_from_the_rows(server: ClickHouse, table: Table) -> None:
    server.query(create_table(table, server.database))
    for first in range(0, 4000, 1000):
        fill(server, table, first, 1000)
    check(server, table)


def delete(server: ClickHouse, table: Table) -> None:
    server.query(
        f"DELETE FROM `{server.database}`.`{table.name}` WHERE _offset % 3 = 0",
        settings={"lightweight_deletes_sync": 2},
    )


def insert_again(server: ClickHouse, table: Table) -> None:
    fill(server, table, 0, 500)


def merge(server: ClickHouse, table: Table) -> None:
    server.query(f"OPTIMIZE TABLE `{server.database}`.`{table.name}` FINAL")


@pytest.mark.parametrize("change", [[delete], [delete, insert_again], [merge], [delete, merge], [merge, delete]])
@pytest.mark.parametrize("table", TABLES)
def test_rollups_follow_deletes_repairs_and_merges(
    server: ClickHouse, table: Table, change: list[Callable[[ClickHouse, Table], None]]
) -> None:
    server.query(create_table(table, server.database))
    fill(server, table, 0, 1000)
    fill(server, table, 1000, 1000)
    for step in change:
        step(server, table)
    check(server, table)


def test_no_table_has_two_rollups_of_one_name() -> None:
    for table in load().tables:
        names = [rollup.name for rollup in table.all_rollups]
        assert len(names) == len(set(names))
