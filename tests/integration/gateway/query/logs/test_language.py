"""A query finds what brute force finds, and only in its own project (reading.md, "The query language")."""

from collections.abc import AsyncIterator, Iterator
from random import Random

import httpx
import pytest

from gateway.query import Reader
from gateway.query.language import render
from tests.integration.gateway.query.judge import finds
from tests.integration.gateway.query.random_trees import row, tree
from tests.integration.gateway.query.read_api import Store, client, temporary_store

LOGS = "/api/v1/projects/p/logs"


@pytest.fixture(scope="module")
def store(clickhouse_url: str) -> Iterator[Store]:
    with temporary_store(clickhouse_url) as made:
        yield made


@pytest.fixture
async def http(store: Store) -> AsyncIterator[httpx.AsyncClient]:
    reader = Reader(store.url)
    async with client(reader) as made:
        yield made
    await reader.close()


@pytest.mark.parametrize("seed", range(4))
async def test_a_query_finds_what_brute_force_finds(store: Store, http: httpx.AsyncClient, seed: int) -> None:
    random = Random(seed)
    rows = [row(random, n) for n in range(300)]
    store.empty().add_logs(*rows, *({**each, "project_id": "q", "line_number": 9_999} for each in rows[:50]))
    found_some = 0
    for _ in range(100):
        asked = tree(random)
        answer = await http.get(LOGS, params={"q": render(asked), "limit": 1000})
        assert answer.status_code == 200, (render(asked), answer.text)
        assert "x-query-hint" not in answer.headers, (render(asked), answer.headers)
        found = {log["line_number"] for log in answer.json()["logs"]}
        right = {each["line_number"] for each in rows if finds(each, asked)}
        odd = [each for each in rows if each["line_number"] in found ^ right]
        assert found == right, (render(asked), asked, odd[:3])
        assert answer.json()["total"] == len(right)
        found_some += 0 < len(right) < len(rows)
    assert found_some > 50


def nested(term: str) -> str:
    query = term
    for n in range(49):
        query = f"-({term} {query})" if n % 2 else f"-({term} OR {query})"
    return query


LARGEST = {
    "words": "timeout " * 50,
    "deep": nested("a"),
    "deep attributes": nested("attr.a.b:>1"),
    "comparisons": "attr.a.b.c.d.e.f.g:[1 TO 2] " * 50,
    "values": f"attr.a.b.c:({'1.5 ' * 50})",
    "globs": f"attr.a.b.c:({'a* ' * 50})",
    "a long path": f"attr.{'a.' * 1000}b:>1",
    "fields": "user:*@b.c " * 50,
}


@pytest.mark.parametrize("kind", LARGEST)
async def test_the_largest_queries_are_answered(store: Store, http: httpx.AsyncClient, kind: str) -> None:
    store.empty().add_logs({"message": "x", "attributes": '{"a":{"b":[1,2]},"a":1e400}'})
    answer = await http.get(LOGS, params={"q": LARGEST[kind]})
    assert answer.status_code == 200, answer.text
