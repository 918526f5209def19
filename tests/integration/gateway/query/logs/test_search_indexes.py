"""Conditions use the search indexes, and find the same with and without (reading.md, "Search indexes")."""

from collections.abc import Iterator
from contextlib import ExitStack
from random import Random

import httpx
import pytest

from gateway.query import Reader
from gateway.query.language import condition, render
from gateway.query.language.attributes import Attribute
from gateway.query.logs.conditions import matching
from gateway.query.logs.fields import FIELDS, LANGUAGE
from gateway.query.logs.filters import LogQuery
from shared.signals.logs import ATTRIBUTE_ITEMS, LOGS
from tests.integration.gateway.query.judge import finds
from tests.integration.gateway.query.random_trees import row, tree
from tests.integration.gateway.query.read_api import Store, client, temporary_store

PATH = "/api/v1/projects/p/logs"
CHOICES = [*LOGS.search_indexes]
PARTS = 12
MESSAGE = 'message:"É Some Word7 more"'
QUERIES = {
    "words": ['"some WORD7 more"', '"Some Word7 "', MESSAGE, '"é some word7 more"'],
    "substrings": ["word7", "WORD7", "-(-word7)", "message:*ord7*", MESSAGE, "word7 OR ord8", '"é some word7"'],
    "attributes": ["attr.n:7", "attr.n:(7 8)", 'attr.t:"a b 7"', "attr.n:7 OR attr.n:8", "attr.n:7 -attr.t:x"],
}
"""They find part 7, some of them part 8 too."""


@pytest.fixture(scope="module")
def tables(clickhouse_url: str) -> Iterator[dict[str, Store]]:
    """The choice -> tables with its index, on small parts that are never merged."""
    with ExitStack() as stack:
        made = {choice: stack.enter_context(temporary_store(clickhouse_url)) for choice in CHOICES}
        for choice, store in made.items():
            store.clickhouse.query(f"ALTER TABLE logs ADD {LOGS.search_indexes[choice].ddl}")
            store.clickhouse.query("SYSTEM STOP MERGES logs")
        yield made


@pytest.fixture(params=CHOICES)
def choice(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param
    FIELDS.index_attributes("")


def read(store: Store, choice: str, sql: str, values: dict[str, object]) -> tuple[int, int]:
    """(granules that are read, those without the index)."""
    lines = store.clickhouse.query(f"EXPLAIN indexes = 1 SELECT count() FROM logs WHERE {sql}", values)
    plan = [line.strip("│├└─ ") for (line,) in lines]
    index = plan.index(f"Name: search_{choice}")
    [granules] = [line for line in plan[index : index + 6] if line.startswith("Granules: ")][:1]
    found, of = granules.removeprefix("Granules: ").split("/")
    return int(found), int(of)


def test_the_index_lets_parts_be_skipped(tables: dict[str, Store], choice: str) -> None:
    store = tables[choice].empty()
    for n in range(PARTS):
        attributes = f'{{"n":{n},"t":"a b {n}"}}'
        store.add_logs({"message": f"É Some Word{n} more", "attributes": attributes})
    FIELDS.index_attributes(ATTRIBUTE_ITEMS if choice == "attributes" else "")
    for query in QUERIES[choice]:
        made = condition(LANGUAGE.parse(query).tree, FIELDS)
        found, of = read(store, choice, made.sql, made.values)
        assert (found, of) == (2 if "8" in query else 1, PARTS), query
    parameters = LogQuery(attributes=(("n", "7"),)) if choice == "attributes" else LogQuery(search="some WORD7 more")
    *_, made = matching("p", parameters)
    assert read(store, choice, made.sql, made.values) == (1, PARTS)


async def test_answers_are_the_same_as_without(tables: dict[str, Store], choice: str) -> None:
    random = Random(choice)
    rows = [row(random, n) for n in range(150)]
    store = tables[choice].empty()
    for part in range(0, len(rows), 15):
        store.add_logs(*rows[part : part + 15])
    reader = Reader(store.url)
    async with client(reader, search_index=choice) as http:
        assert FIELDS["attr.a"].kind == Attribute("a", ATTRIBUTE_ITEMS if choice == "attributes" else "")
        for _ in range(35):
            asked = tree(random, depth=2)
            found = await numbers(http, render(asked))
            assert found == {each["line_number"] for each in rows if finds(each, asked)}, (render(asked), asked)
    await reader.close()


async def numbers(http: httpx.AsyncClient, query: str) -> set[int]:
    answer = await http.get(PATH, params={"q": query, "limit": 1000})
    assert answer.status_code == 200, (query, answer.text)
    return {log["line_number"] for log in answer.json()["logs"]}
