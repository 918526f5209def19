"""What a filter on attributes finds is what a JSON parser reads: ClickHouse and ingest may disagree on nothing
(contracts.md, "Reading logs")."""

import json
from collections.abc import Iterator
from random import Random

import pytest

from gateway.query import Reader
from tests.integration.gateway.query.documents import KEYS, attributes_of, document, value_of
from tests.integration.gateway.query.read_api import NOON, Store, client, temporary_store

WANTED = ["x", "a", "3", "true", "null", "1e400", "-1E+400", "A", "😀", "back\\slash", 'a"b', "-7"]
WANTED += ["123456789012345678901234567890"]


def matches(text: str, key: str, wanted: str) -> bool:
    value = value_of(attributes_of(text), key)
    if value is ... or isinstance(value, dict | list):
        return False
    return (value if isinstance(value, str) else json.dumps(value)) == wanted


@pytest.fixture(scope="module")
def store(clickhouse_url: str) -> Iterator[Store]:
    with temporary_store(clickhouse_url) as made:
        yield made


@pytest.mark.parametrize("seed", range(3))
async def test_a_filter_finds_what_a_json_parser_reads(store: Store, seed: int) -> None:
    random = Random(seed)
    texts = {f"m{n}": document(random) for n in range(400)}
    store.empty().add_logs(
        *({"message": name, "attributes": text, "timestamp": NOON + n} for n, (name, text) in enumerate(texts.items()))
    )
    reader = Reader(store.url)
    found_any = 0
    async with client(reader) as http:
        for _ in range(40):
            key, wanted = random.choice(KEYS), random.choice(WANTED)
            answer = await http.get("/api/v1/projects/p/logs", params={f"attr.{key}": wanted, "limit": 1000})
            assert answer.status_code == 200, answer.text
            found = {log["message"] for log in answer.json()["logs"]}
            right = {name for name, text in texts.items() if matches(text, key, wanted)}
            assert found == right, (key, wanted, [texts[name] for name in found ^ right])
            found_any += len(right)
    await reader.close()
    assert found_any > 50


async def test_a_deep_path_and_many_filters_stay_within_what_clickhouse_parses(store: Store) -> None:
    deep = ".".join(["a"] * 50)
    text = '{"a":' * 50 + '"x"' + "}" * 50
    store.empty().add_logs({"message": "deep", "attributes": text})
    reader = Reader(store.url)
    async with client(reader) as http:
        answer = await http.get("/api/v1/projects/p/logs", params=[(f"attr.{deep}", "x")] * 50)
        assert [log["message"] for log in answer.json()["logs"]] == ["deep"]
    await reader.close()
