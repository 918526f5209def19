"""What a filter on attributes finds is what a JSON parser reads: ClickHouse and ingest may disagree on nothing
(contracts.md, "Reading logs")."""

import json
from collections.abc import Iterator
from math import isinf
from random import Random
from typing import Any

import pytest

from gateway.query import Reader
from tests.integration.gateway.query.read_api import NOON, Store, client, temporary_store

KEYS = ["a", "b", "a.b", "b.a", "a.b.a", "é", 'q"', "it's", "\\", "a\\u0062"]
SCALARS = ['"x"', '"a"', "3", '"3"', "true", "null", "1e400", "-1E+400", "1" * 310 + ".5", '"\\ud800"', '"\\u0041"']
SCALARS += ["123456789012345678901234567890", '"\\ud83d\\ude00"', '"back\\\\slash"', '"1e400"', '"a\\"b"', '""', "-7"]
WANTED = ["x", "a", "3", "true", "null", "1e400", "-1E+400", "A", "😀", "back\\slash", 'a"b', "-7"]
WANTED += ["123456789012345678901234567890"]


class Huge(str):
    """The text of a number that no double holds."""


def number(token: str) -> Any:
    return Huge(token) if isinf(float(token)) else float(token)


def document(random: Random, depth: int = 3) -> str:
    """JSON of an object: some keys twice, some of them nested, some values strange."""

    def member() -> str:
        key = json.dumps(random.choice(KEYS), ensure_ascii=random.random() < 0.5)
        if depth and random.random() < 0.4:
            return f"{key}:{document(random, depth - 1)}"
        if random.random() < 0.1:
            return f"{key}:[{random.choice(SCALARS)}]"
        return f"{key} : {random.choice(SCALARS)}"

    return "{" + ",".join(member() for _ in range(random.randint(1, 4))) + "}"


def at(value: Any, path: list[str]) -> Any:
    """The value at a path, the last of equal keys at each step; `...` if there is none."""
    for part in path:
        if not isinstance(value, dict) or part not in value:
            return ...
        value = value[part]
    return value


def matches(text: str, key: str, wanted: str) -> bool:
    attributes = json.loads(text, parse_float=number)
    value = attributes[key] if key in attributes else at(attributes, key.split("."))
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
        for _ in range(80):
            key, wanted = random.choice(KEYS), random.choice(WANTED)
            answer = await http.get("/api/v1/projects/p/logs", params={f"attr.{key}": wanted, "limit": 1000})
            assert answer.status_code == 200, answer.text
            found = {log["message"] for log in answer.json()["logs"]}
            right = {name for name, text in texts.items() if matches(text, key, wanted)}
            assert found == right, (key, wanted, [texts[name] for name in found ^ right])
            found_any += len(right)
    await reader.close()
    assert found_any > 100


async def test_a_deep_path_and_many_filters_stay_within_what_clickhouse_parses(store: Store) -> None:
    deep = ".".join(["a"] * 50)
    text = '{"a":' * 50 + '"x"' + "}" * 50
    store.empty().add_logs({"message": "deep", "attributes": text})
    reader = Reader(store.url)
    async with client(reader) as http:
        answer = await http.get("/api/v1/projects/p/logs", params=[(f"attr.{deep}", "x")] * 50)
        assert [log["message"] for log in answer.json()["logs"]] == ["deep"]
    await reader.close()
