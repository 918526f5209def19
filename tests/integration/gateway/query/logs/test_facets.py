"""The most common values of fields (reading.md, "Facets")."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.query.logs import newest, plan
from gateway.query.logs.facets import find_facets, parse_facets
from gateway.query.logs.fields import LANGUAGE
from gateway.query.parameters import Parameters
from gateway.query.range import Range
from gateway.query.times import parse_time
from tests.examples import examples
from tests.integration.gateway.query.documents import attributes_of, value_of
from tests.integration.gateway.query.explaining import Explaining
from tests.integration.gateway.query.judge import LONE_SURROGATE
from tests.integration.gateway.query.log_questions import ATOMS, logs
from tests.integration.gateway.query.questions import RANGES, asking, found_rows, most_common, queries
from tests.integration.gateway.query.read_api import NOON, Asker, Store, temporary_store

PATH = "/api/v1/projects/p/logs/facets"
EXACT = ["level", "service", "environment"]
OTHERS = ["release", "user", "email", "message", "trace", "attr.a", "attr.a.b", "attr.b"]


@pytest.fixture(scope="module")
def filled(clickhouse_url: str) -> Iterator[Store]:
    with temporary_store(clickhouse_url) as made:
        made.add_logs(*logs(5, 400))
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


def text(row: dict[str, Any], field: str) -> str:
    """The value of a field, '' for none."""
    if field == "user":
        return str(row["user_id"] or row["user_email"])
    if not field.startswith("attr."):
        return str(row[{"email": "user_email", "trace": "trace_id"}.get(field, field)])[:512]
    value = value_of(attributes_of(row["attributes"] or "{}"), field.removeprefix("attr."))
    if value is ... or value is None or isinstance(value, dict | list):
        return ""
    if isinstance(value, str):
        return LONE_SURROGATE.sub("", value)
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else f"{value:.17g}"


def same(value: str | None) -> str | None:
    """Large integers are compared as the doubles that they are in the test's own JSON."""
    return f"{float(value):.17g}" if value and value.lstrip("-").isdigit() and len(value) > 17 else value


@examples(20)
@given(
    queries(ATOMS),
    RANGES,
    st.lists(st.sampled_from(EXACT + OTHERS), unique=True, max_size=6),
    st.integers(1, 9),
    st.sampled_from([1, 100, 20_000_000]),
)
def test_every_count_is_that_of_the_rows(
    filled: Store, asker: Asker, query: str, range: Range, fields: list[str], top: int, budget: int
) -> None:
    answer = asker.found(PATH, **asking(query, range), fields=",".join(fields), top=top, budget=budget)
    assert [each["name"] for each in answer["fields"]] == (fields or EXACT)
    rows = found_rows(filled, "logs", LANGUAGE, query, range)
    for facet in answer["fields"]:
        to = parse_time(facet["searched_to"])
        seen = [row for row in rows if row["timestamp"] >= to]
        if facet["name"] in EXACT:
            assert facet["sampled"] is None
        elif facet["sampled"] is not None:
            assert facet["sampled"] == 100 or (budget <= 100 and facet["sampled"] == len(seen))
            seen = rows[: facet["sampled"]]
        else:
            assert len(rows) <= 100
        assert facet["sampled"] == 100 or budget <= 100 or to == range.start
        right = most_common(Counter(same(text(row, facet["name"])) for row in seen), top)
        assert [(same(each["value"]) or "", each["count"]) for each in facet["values"]] == right


async def test_the_rollup_answers_for_the_columns_that_it_knows(explaining: Explaining, store: Store) -> None:
    store.add_logs(*logs(1, 50))
    asked = [("start_time", "2026-01-15T02:01:00Z"), ("end_time", "2026-01-15T13:01:00Z"), ("q", "level:>=warn")]
    await find_facets(explaining, "p", parse_facets(Parameters(asked)))
    first, last, whole = explaining.plans
    assert "ReadFromMergeTree (volume_by_5min)" in whole, whole
    assert "PrimaryKey" in first
    assert "PrimaryKey" in last


async def test_a_sample_is_read_through_the_key(explaining: Explaining, store: Store) -> None:
    store.add_logs(*logs(1, 50))
    asked = Parameters(
        [("start_time", "2026-01-15T02:01:00Z"), ("end_time", "2026-01-15T13:01:00Z"), ("fields", "user")]
    )
    await find_facets(explaining, "p", parse_facets(asked))
    planned, *steps = explaining.plans
    assert "ReadFromMergeTree (volume_by_5min)" in planned, planned
    for step in steps:
        assert "PrimaryKey" in step
        assert "received_at" in step


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"fields": "colour"}, "fields"),
        ({"fields": ",".join(f"attr.{n}" for n in range(11))}, "fields"),
        ({"fields": "attr.a" + ".b" * 60}, "fields"),
        ({"top": "101"}, "top"),
        ({"budget": "20000001"}, "budget"),
    ],
)
async def test_what_can_not_be_asked_is_named(
    api: httpx.AsyncClient, store: Store, given: dict[str, str], named: str
) -> None:
    answer = await api.get(PATH, params=given)
    assert answer.status_code == 422
    assert [each["loc"][1] for each in answer.json()["detail"]] == [named]


async def test_patterns_are_a_field_too(store: Store, api: httpx.AsyncClient) -> None:
    store.add_logs(*({"message": f"order ord_{n} paid", "timestamp": NOON} for n in range(3)))
    found = (await api.get(PATH, params={"end_time": "2026-01-15T12:00:00Z", "fields": "pattern"})).json()
    assert found["fields"][0]["values"] == [{"value": "order * paid", "count": 3}]
