"""The values by which two sets of logs differ, against the rows (reading.md, "Compare")."""

from collections import Counter
from collections.abc import Iterator
from math import sqrt
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given

from gateway.query.logs.compare import compare, statement
from gateway.query.logs.fields import LANGUAGE
from gateway.query.range import Range
from gateway.query.times import format_time
from tests.examples import examples
from tests.integration.gateway.query.documents import attributes_of, document, value_of
from tests.integration.gateway.query.judge import LEVELS, LONE_SURROGATE, pattern_of
from tests.integration.gateway.query.questions import DAY_US, RANGES, asking, found_rows, queries
from tests.integration.gateway.query.read_api import NOON, Asker, Store, temporary_store

PATH = "/api/v1/projects/p/logs/compare"
COLUMNS = {
    **{each: each for each in ("level", "service", "environment", "release", "pattern")},
    "logger": "logger_name",
    "file": "file_path",
    "function": "function_name",
    "user": "user_id",
    "account": "account_id",
}
ATOMS = ["level:error", "service:api", "release:*", "attr.a:x", "job", "user:u1"]

Row = dict[str, Any]


def log(random: Random) -> Row:
    service = random.choice(["", "api", "web"])
    return {
        "message": random.choice(["job 1 done", "failed"]),
        "level": random.choice(LEVELS if service == "api" else ["info"]),
        "service": service,
        "environment": "prod",
        "release": random.choice(["", "r1", "r2"]),
        "user_id": random.choice(["", "u1", "u2"]),
        "attributes": random.choice(["", '{"http.status":500,"a":{"b":true,"c":{"d":1}},"ms":7.0}', document(random)]),
        "timestamp": NOON + random.randrange(-DAY_US, DAY_US),
    }


@pytest.fixture(scope="module")
def store(clickhouse_url: str) -> Iterator[Store]:
    random = Random(5)
    with temporary_store(clickhouse_url) as made:
        made.add_logs(*(log(random) for _ in range(900)))
        made.add_logs(*({**log(random), "project_id": "q"} for _ in range(100)))
        yield made


@pytest.fixture(scope="module")
def api(store: Store) -> Iterator[Asker]:
    with Asker(store) as made:
        yield made


def text_of(value: Any) -> str | None:
    """A scalar as a filter takes it; None for what is none."""
    if value is ... or value is None or isinstance(value, dict | list):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return LONE_SURROGATE.sub("", value) if isinstance(value, str) else str(value)


def values_of(row: Row) -> set[tuple[str, str]]:
    row = {**row, "pattern": pattern_of(row["message"])}
    found = {(field, row[column]) for field, column in COLUMNS.items()}
    attributes = attributes_of(row["attributes"] or "{}")
    below = {f"{key}.{each}" for key, value in attributes.items() if isinstance(value, dict) for each in value}
    for key in {*attributes, *(key for key in below if key.count(".") == 1)} - {""}:
        text = text_of(value_of(attributes, key))
        if text is not None:
            found.add((f"attr.{key}", text))
    return found


def score(a: int, n: int, b: int, m: int) -> float:
    p, q = (a + 1) / (n + 2), (b + 1) / (m + 2)
    return abs(p - q) - 1.96 * sqrt(p * (1 - p) / (n + 2) + q * (1 - q) / (m + 2))


def right(rows: list[Row], others: list[Row]) -> dict[tuple[str, str | None], tuple[int, int]]:
    """Value -> how often it is in both sets."""
    a, b = (Counter(value for row in each for value in values_of(row)) for each in (rows, others))
    counts = {value: (a[value], b[value]) for value in {*a, *b} if max(a[value], b[value]) > 1}
    return {
        (field, value or (None if field in COLUMNS else "")): pair
        for (field, value), pair in counts.items()
        if score(pair[0], len(rows), pair[1], len(others)) > 1e-9
    }


def told(rows: list[Row], most: int) -> dict[str, Any]:
    oldest = format_time(rows[-1]["timestamp"]) if rows else None
    return {"logs": len(rows), "sampled": len(rows) == most, "oldest": oldest}


@examples(12)
@given(queries(ATOMS), queries(ATOMS), RANGES)
def test_every_difference_is_that_of_the_rows(store: Store, api: Asker, query: str, against: str, range: Range) -> None:
    most = 150
    with patch.object(statement, "MAX_LOGS", most), patch.object(compare, "MAX_LOGS", most):
        given_against = {"against": against} if against else {}
        answer = api.found(PATH, **asking(query, range), **given_against, limit=200)
    rows = found_rows(store, "logs", LANGUAGE, query, range)
    found = {row["_offset"] for row in rows}
    others = found_rows(store, "logs", LANGUAGE, against, range)
    if not against:
        others = [row for row in others if row["_offset"] not in found]
    rows, others = rows[:most], others[:most]
    assert answer["found"] == told(rows, most)
    assert answer["against"] == told(others, most)
    differences = answer["differences"]
    counts = {(each["field"], each["value"]): (each["count"], each["against_count"]) for each in differences}
    assert counts == right(rows, others)
    scores = [each["score"] for each in differences]
    assert scores == sorted(scores, reverse=True)
    for each in differences:
        a, b = each["count"], each["against_count"]
        assert each["score"] == pytest.approx(score(a, len(rows), b, len(others)))
        assert each["share"] == (a / len(rows) if rows else 0)
        assert each["against_share"] == (b / len(others) if others else 0)


def test_its_query_finds_a_value(store: Store, api: Asker) -> None:
    asked = {"start_time": format_time(NOON - DAY_US), "end_time": format_time(NOON + DAY_US)}
    differences = api.found(PATH, q="service:api", **asked, limit=200)["differences"]
    assert {"level", "pattern", "attr.http.status"} & {each["field"] for each in differences}
    for each in differences:
        query = f"service:api {each['q']}"
        answer = api.get(PATH.removesuffix("/compare"), **asked, q=query, limit=1)
        assert "x-query-hint" not in answer.headers
        assert answer.json()["total"] >= each["count"]


def test_the_hints_of_both_queries_are_told(api: Asker) -> None:
    answer = api.get(PATH, q="foo:1", against="bar:2")
    assert answer.status_code == 200
    assert "foo" in answer.headers["x-query-hint"]
    assert "bar" in answer.headers["x-query-hint"]
