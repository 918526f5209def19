"""Every skipping index is used by its question, and skips nothing that matches (storage.md, "Indexes")."""

import re
from collections.abc import Iterator

import pytest

from shared.clients.clickhouse import ClickHouse
from shared.registry import load
from shared.settings import BadSetting
from shared.settings import load as load_settings
from shared.signals.base import Table, create_table
from shared.signals.errors import SIGNAL as ERRORS
from shared.signals.logs import ATTRIBUTE_ITEMS, LOGS

TABLES = [pytest.param(table, id=table.name) for table in load().tables]
ROWS = 4000
NOW = 1_768_478_400
"""2026-01-15T12:00:00Z; rows come every second after it."""

QUESTIONS = {
    "offset_range": "_offset BETWEEN 1000 AND 1010",
    "arrival_range": f"received_at >= fromUnixTimestamp64Micro({(NOW + ROWS - 10) * 1_000_000})",
    "trace": "trace_id = 'trace_id 7'",
    "user_ids": "user_id = 'user_id 7'",
    "request_ids": "request_id = 'request_id 7'",
    "event": "event_id = 'event_id 7'",
    "fingerprints": "fingerprint = 'fingerprint 7'",
    "digest": "digest = 'digest 7'",
    "vercel": "vercel_id = 'vercel_id 7'",
    "search_words": "hasToken(lower(message), 'word7')",
    "search_substrings": "lower(message) LIKE '%some word7 %'",
    "search_attributes": f"hasAny({ATTRIBUTE_ITEMS}, ['n=7', 'odd'])",
}
"""Index -> a condition that it serves."""


@pytest.fixture
def server(clickhouse_database_url: str) -> Iterator[ClickHouse]:
    connection = ClickHouse(clickhouse_database_url)
    yield connection
    connection.close()


def make(server: ClickHouse, table: Table) -> None:
    """A table with small granules and a row a second; every text differs from the others."""
    server.query(create_table(table, server.database) + ", index_granularity = 100")
    values = {
        "project_id": "'p'",
        "timestamp": f"fromUnixTimestamp64Micro(({NOW} + number) * 1000000)",
        "received_at": f"fromUnixTimestamp64Micro(({NOW} + number) * 1000000)",
        "retention_days": "3650",
        "_offset": "number",
        "message": "concat('Some Word', toString(number), ' more')",
        "attributes": """concat('{"n":', toString(number), '}')""",
    }
    for column in table.columns:
        values.setdefault(
            column.name, f"concat('{column.name} ', toString(number))" if "String" in column.type else "0"
        )
    names = ", ".join(f"`{name}`" for name in table.column_names)
    selected = ", ".join(values[name] for name in table.column_names)
    server.query(f"INSERT INTO {table.name} ({names}) SELECT {selected} FROM numbers({ROWS})")


FROM_ROWS = {"optimize_use_projections": 0}


def skipped(server: ClickHouse, table: Table, index: str) -> tuple[int, int]:
    """(granules that are read, those without the index) for an index's question."""
    question = f"SELECT count() FROM {table.name} WHERE {QUESTIONS[index]}"
    plan = "\n".join(line for (line,) in server.query(f"EXPLAIN indexes = 1 {question}", settings=FROM_ROWS))
    found = re.search(rf"Name: {index}\n.*?Granules: (\d+)/(\d+)", plan, re.DOTALL)
    assert found, plan
    return int(found[1]), int(found[2])


@pytest.mark.parametrize("table", TABLES)
def test_every_index_is_used_by_its_question(server: ClickHouse, table: Table) -> None:
    make(server, table)
    for index in table.all_indexes:
        read, of = skipped(server, table, index.name)
        assert 0 < read < of / 4, index.name
        (found,) = server.query(f"SELECT count() FROM {table.name} WHERE {QUESTIONS[index.name]}")
        assert found == ({"offset_range": 11, "arrival_range": 10}.get(index.name, 1),)


@pytest.mark.parametrize("choice", LOGS.search_indexes)
def test_a_search_index_is_used_by_its_question(server: ClickHouse, choice: str) -> None:
    make(server, LOGS.searched_by(choice))
    read, of = skipped(server, LOGS, f"search_{choice}")
    assert 0 < read < of / 4
    assert server.query(f"SELECT count() FROM logs WHERE {QUESTIONS[f'search_{choice}']}") == [(1,)]


def test_the_setting_names_the_indexes_that_there_are() -> None:
    for choice in LOGS.search_indexes:
        assert load_settings({"SLUICE_SEARCH_INDEX": choice}).search.index == choice
        assert len(LOGS.searched_by(choice).indexes) == len(LOGS.indexes) + 1
        assert ERRORS.table.searched_by(choice) == ERRORS.table
    with pytest.raises(BadSetting, match="none, words, substrings or attributes"):
        load_settings({"SLUICE_SEARCH_INDEX": "all"})
    assert LOGS.searched_by("none") == LOGS


@pytest.mark.parametrize(
    "attributes",
    [
        '{"n":7}',
        '{"n":"7"}',
        '{"a":1,"n":7}',
        '{"n":1,"n":7}',
        '{"n":"\\u0037"}',
        '{"\\u006e":7}',
        '{"n":7,"huge":1e999}',
        '{"n":7,"lone":"\\ud800"}',
    ],
)
def test_the_attribute_index_skips_no_row_that_may_match(server: ClickHouse, attributes: str) -> None:
    server.query(create_table(LOGS.searched_by("attributes"), server.database))
    server.query(
        "INSERT INTO logs (project_id, timestamp, received_at, retention_days, attributes)"
        f" SELECT 'p', {NOW}, {NOW}, 3650, %(attributes)s",
        {"attributes": attributes},
    )
    assert server.query(f"SELECT count() FROM logs WHERE {QUESTIONS['search_attributes']}") == [(1,)]


@pytest.mark.parametrize(
    ("message", "template", "pattern"),
    [
        ("Payment of order ord_17 failed", "", "Payment of order * failed"),
        ("Payment of order ord_17 failed", "Payment of order {order} failed", "Payment of order {order} failed"),
        ("GET /api/users/17 200 in 3ms", "", "GET * * in *"),
        ("no numbers at all", "", "no numbers at all"),
        ("a9b a0b 0 00a", "", "* * * *"),
        ("tab\t1x\nline x1", "", "tab\t*\nline *"),
        ("naïve café1 ü2ü", "", "naïve * *"),
        ("", "", ""),
        ("x" * 600, "", "x" * 512),
    ],
)
def test_a_pattern_is_the_template_or_the_message_without_its_values(
    server: ClickHouse, message: str, template: str, pattern: str
) -> None:
    server.query(create_table(LOGS, server.database))
    server.query(
        "INSERT INTO logs (project_id, timestamp, received_at, retention_days, message, template)"
        f" SELECT 'p', {NOW}, {NOW}, 3650, %(message)s, %(template)s",
        {"message": message, "template": template},
    )
    assert server.query("SELECT pattern FROM logs") == [(pattern,)]
    assert server.query("SELECT pattern, count() FROM logs WHERE project_id = 'p' GROUP BY pattern") == [(pattern, 1)]
