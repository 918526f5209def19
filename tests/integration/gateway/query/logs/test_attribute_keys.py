"""Which attributes the newest logs have (reading.md, "Keys of attributes")."""

from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.query.logs import attribute_keys, newest, plan
from gateway.query.logs.fields import LANGUAGE
from gateway.query.logs.key_tally import MAX_EXAMPLE
from gateway.query.range import Range
from gateway.query.times import parse_time
from tests.examples import examples
from tests.integration.gateway.query.documents import attributes_of, value_of
from tests.integration.gateway.query.judge import LONE_SURROGATE
from tests.integration.gateway.query.log_questions import ATOMS, logs
from tests.integration.gateway.query.questions import RANGES, asking, found_rows, queries
from tests.integration.gateway.query.read_api import NOON, Asker, Store, temporary_store

PATH = "/api/v1/projects/p/logs/fields"


@pytest.fixture(scope="module")
def filled(clickhouse_url: str) -> Iterator[Store]:
    with temporary_store(clickhouse_url) as made:
        made.add_logs(*logs(9, 400))
        yield made


@pytest.fixture(scope="module")
def asker(filled: Store) -> Iterator[Asker]:
    with Asker(filled) as made:
        yield made


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "MAX_ROWS", 60)
    monkeypatch.setattr(plan, "MAX_PARSED_ROWS", 40)
    monkeypatch.setattr(newest, "MOST_SAMPLED", 100)


def scalars(values: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """Texts without lone surrogates, numbers and booleans, each with what it is."""
    for value in values:
        if isinstance(value, str):
            yield "text", LONE_SURROGATE.sub("", value)
        elif isinstance(value, bool):
            yield "boolean", value
        elif isinstance(value, int | float):
            yield "number", value


@examples(12)
@given(queries(ATOMS), RANGES, st.sampled_from([1, 100, 20_000_000]))
def test_a_share_is_that_of_the_logs_that_a_filter_finds(
    filled: Store, asker: Asker, query: str, range: Range, budget: int
) -> None:
    answer = asker.found(PATH, **asking(query, range), budget=budget)
    rows = found_rows(filled, "logs", LANGUAGE, query, range)
    to = parse_time(answer["searched_to"])
    assert answer["sampled"] == min(100, sum(row["timestamp"] >= to for row in rows))
    documents = [attributes_of(row["attributes"] or "{}") for row in rows[: answer["sampled"]]]
    for field in answer["fields"]:
        having = [document for document in documents if value_of(document, field["key"]) not in (..., None)]
        assert field["share"] == len(having) / answer["sampled"]
        assert field["distinct"] == len(set(scalars(value_of(document, field["key"]) for document in having)))
    named = {key for document in documents for key, value in document.items() if value is not None}
    assert named <= {field["key"] for field in answer["fields"]}
    assert not answer["left_out"]


async def test_a_filter_finds_the_share_and_each_example(store: Store, api: httpx.AsyncClient) -> None:
    store.add_logs(*logs(4, 60))
    common = {"start_time": "2026-01-01", "end_time": "2026-02-01"}
    answer = (await api.get(PATH, params=common)).json()
    assert len(answer["fields"]) > 10
    for field in answer["fields"][:6]:
        key = '"' + field["key"].replace("\\", "\\\\").replace('"', '\\"') + '"'
        found = (await api.get("/api/v1/projects/p/logs", params={**common, "q": f"attr.{key}:*", "limit": 1})).json()
        assert found["total"] == round(field["share"] * answer["sampled"])
        for example in (each for each in field["examples"] if len(each) < MAX_EXAMPLE):
            value = '"' + example.replace("\\", "\\\\").replace('"', '\\"') + '"'
            query = {**common, "q": f"attr.{key}:{value}", "limit": 1}
            assert (await api.get("/api/v1/projects/p/logs", params=query)).json()["total"] > 0, (field, example)


async def test_a_sample_ends_behind_so_many_bytes(
    store: Store, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attribute_keys, "MAX_PAGE_BYTES", 100)
    store.add_logs(*({"timestamp": NOON + n, "attributes": f'{{"k{n}":"{"é" * 15}"}}'} for n in range(9)))
    answer = (await api.get(PATH, params={"start_time": "2026-01-15T11:00:00Z"})).json()
    assert (answer["sampled"], answer["searched_to"]) == (3, "2026-01-15T12:00:00.000006Z")
    assert [field["key"] for field in answer["fields"]] == ["k6", "k7", "k8"]


async def test_no_logs_have_no_keys(store: Store, api: httpx.AsyncClient) -> None:
    answer = (await api.get(PATH, params={"last": "1h"})).json()
    assert (answer["fields"], answer["sampled"], answer["left_out"]) == ([], 0, False)
