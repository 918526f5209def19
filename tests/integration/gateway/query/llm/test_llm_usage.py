"""What calls to models used, and every number of it (reading.md, "Usage of models")."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.query.llm.fields import LANGUAGE
from gateway.query.range import Range
from gateway.query.times import format_time
from tests.examples import examples
from tests.integration.gateway.query.questions import DAY_US, HOUR, RANGES, asking, found_rows, queries
from tests.integration.gateway.query.read_api import NOON, Asker, Store, temporary_store

PATH = "/api/v1/projects/p/llm/usage"
ATOMS = ["model:m1", "provider:a", "operation:chat", "cost:>0.5", "latency:>1s", "tokens:>10", "attr.team:x", "m2"]
ATOMS += ["release:r1", "service:*", "trace:t1"]
DIMENSIONS = ["model", "provider", "operation", "service", "release", "environment", "attr.team", "attr.a.b"]
ATTRIBUTES = ['{"team":"x"}', '{"team":3}', '{"team":["x"]}', '{"a":{"b":true}}', '{"a.b":"dot","team":null}', ""]


def call(random: Random) -> dict[str, Any]:
    return {
        "model": random.choice(["m1", "m2", "m3"]),
        "provider": random.choice("ab"),
        "operation": random.choice(["chat", "embedding"]),
        "service": random.choice(["", "api"]),
        "release": random.choice(["", "r1"]),
        "environment": "prod",
        "trace_id": random.choice(["", "t1"]),
        "input_tokens": random.choice([0, 0, 5, 100]),
        "output_tokens": random.choice([0, 7]),
        "cost_usd": random.choice([0.0, 0.0, 0.1, 0.7, 1e-7]),
        "latency_ms": random.randrange(3000),
        "attributes": random.choice(ATTRIBUTES),
        "timestamp": NOON + random.choice([0, HOUR, random.randrange(-DAY_US, DAY_US)]),
    }


@pytest.fixture(scope="module")
def store(clickhouse_url: str) -> Iterator[Store]:
    random = Random(3)
    with temporary_store(clickhouse_url) as made:
        made.add_calls(*(call(random) for _ in range(500)))
        made.add_calls(*({**call(random), "project_id": "q"} for _ in range(200)))
        yield made


@pytest.fixture(scope="module")
def api(store: Store) -> Iterator[Asker]:
    with Asker(store) as made:
        yield made


def scalar(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def value_of(row: dict[str, Any], dimension: str) -> str | None:
    if not dimension.startswith("attr."):
        return row[dimension] or None
    attributes = json.loads(row["attributes"] or "{}")
    key = dimension.removeprefix("attr.")
    if key in attributes:
        return scalar(attributes[key]) or None
    for part in key.split("."):
        attributes = attributes.get(part) if isinstance(attributes, dict) else None
    return scalar(attributes) or None


def quantile(values: list[int], share: float) -> int:
    return sorted(values)[int(share * len(values))] if values else 0


def used(rows: list[dict[str, Any]]) -> dict[str, Any]:
    latencies = [row["latency_ms"] for row in rows]
    tokens = [row["input_tokens"] + row["output_tokens"] for row in rows]
    return {
        "calls": len(rows),
        "input_tokens": sum(row["input_tokens"] for row in rows),
        "output_tokens": sum(row["output_tokens"] for row in rows),
        "cost_usd": pytest.approx(sum(row["cost_usd"] for row in rows)),
        "unpriced": sum(row["cost_usd"] == 0 and n > 0 for row, n in zip(rows, tokens, strict=True)),
        "p50_ms": quantile(latencies, 0.5),
        "p95_ms": quantile(latencies, 0.95),
        "p99_ms": quantile(latencies, 0.99),
    }


def bucketed(rows: list[dict[str, Any]], width: int) -> list[dict[str, Any]]:
    buckets: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        buckets.setdefault(row["timestamp"] // width * width, []).append(row)
    return [{"time": format_time(time), "used": used(rows)} for time, rows in sorted(buckets.items())]


@examples(20)
@given(
    queries(ATOMS),
    RANGES,
    st.lists(st.sampled_from(DIMENSIONS), min_size=1, max_size=3, unique=True),
    st.sampled_from(["none", "hour", "day"]),
    st.integers(1, 4),
)
def test_every_number_is_that_of_the_rows(
    store: Store, api: Asker, query: str, range: Range, by: list[str], bucket: str, limit: int
) -> None:
    rows = found_rows(store, "llm_calls", LANGUAGE, query, range)
    groups: dict[tuple[str | None, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(value_of(row, each) for each in by), []).append(row)
    given = asking(query, range)
    pages = list(api.pages(PATH, **given, group_by=",".join(by), bucket=bucket, limit=limit))
    listed = [each for page in pages for each in page["groups"]]
    width = {"none": 0, "hour": HOUR, "day": 24 * HOUR}[bucket]
    assert len(listed) == len(groups)
    for group in listed:
        own = groups[tuple(group["key"][each] for each in by)]
        assert group["used"] == used(own)
        assert group["buckets"] == (bucketed(own, width) if width else [])
    costs = [round(group["used"]["cost_usd"], 9) for group in listed]
    assert costs == sorted(costs, reverse=True)
    assert all(page["total"] == used(rows) for page in pages)


SORTS = {
    "time": lambda row: 0,
    "cost": lambda row: row["cost_usd"],
    "latency": lambda row: row["latency_ms"],
    "tokens": lambda row: row["input_tokens"] + row["output_tokens"],
}


@examples(15)
@given(queries(ATOMS), RANGES, st.sampled_from(sorted(SORTS)), st.integers(20, 200))
def test_calls_are_the_rows_in_their_order(
    store: Store, api: Asker, query: str, range: Range, sort: str, limit: int
) -> None:
    rows = found_rows(store, "llm_calls", LANGUAGE, query, range)
    rows.sort(key=SORTS[sort], reverse=True)  # stable: of equal ones the newest first
    pages = list(api.pages("/api/v1/projects/p/llm/calls", **asking(query, range), sort=sort, limit=limit))
    listed = [each for page in pages for each in page["calls"]]
    assert [(each["timestamp"], each["latency_ms"], each["cost_usd"]) for each in listed] == [
        (format_time(row["timestamp"]), row["latency_ms"], row["cost_usd"]) for row in rows
    ]
    assert [each["unpriced"] for each in listed] == [used([row])["unpriced"] == 1 for row in rows]
    assert [each["attributes"] for each in listed] == [json.loads(row["attributes"] or "null") for row in rows]


def test_a_page_ends_where_it_is_large_enough(clickhouse_url: str) -> None:
    with temporary_store(clickhouse_url) as store, Asker(store) as api:
        large = '{"a":"' + "x" * 1_000_000 + '"}'
        store.add_calls(*({"attributes": large, "latency_ms": n} for n in range(20)))
        given = asking("", Range(NOON, NOON))
        pages = list(api.pages("/api/v1/projects/p/llm/calls", **given, sort="latency"))
        assert [len(page["calls"]) for page in pages] == [8, 8, 4]
        assert [each["latency_ms"] for page in pages for each in page["calls"]] == [*range(19, -1, -1)]
        back = api.found("/api/v1/projects/p/llm/calls", **given, sort="latency", cursor=pages[2]["previous"])
        assert [each["latency_ms"] for each in back["calls"]] == [*range(11, 3, -1)]
