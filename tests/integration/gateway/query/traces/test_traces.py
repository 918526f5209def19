"""Traces by their roots, one trace as a tree, and every number of both (reading.md, "Traces", "One trace")."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.query.language import Condition
from gateway.query.range import Range, within
from gateway.query.source import Source
from gateway.query.times import format_time
from gateway.query.traces.fields import LANGUAGE
from gateway.query.traces.roots import EARLIER_US, LATER_US
from gateway.query.traces.spans import spans_sql
from tests.examples import examples
from tests.integration.gateway.query.questions import DAY_US, HOUR, RANGES, asking, found_rows, queries
from tests.integration.gateway.query.read_api import NOON, Asker, Store, temporary_store

PATH = "/api/v1/projects/p/traces"
ATOMS = [
    "operation:GET*",
    "status:error",
    "duration:>100ms",
    "root:yes",
    "service:api",
    "release:*",
    "users",
    "span:s1",
]
EVERYTHING = Range(NOON - 10 * DAY_US, NOON + 10 * DAY_US)
SECOND = 1_000_000


def span(random: Random) -> dict[str, Any]:
    return {
        "trace_id": random.choice(["", *(f"t{n}" for n in range(40))]),
        "span_id": f"s{random.randrange(1000)}",
        "parent_span_id": random.choice(["", "", f"s{random.randrange(1000)}"]),
        "operation": random.choice(["GET /users", "POST /orders", "db.query"]),
        "service": random.choice(["", "api", "web", "db"]),
        "release": random.choice(["", "r1"]),
        "status": random.choice(["ok", "ok", "error"]),
        "duration_ms": random.choice([0, 5, 100, random.randrange(5000)]),
        "timestamp": NOON + random.choice([0, HOUR, random.randrange(-DAY_US, DAY_US)]),
    }


@pytest.fixture(scope="module")
def filled(clickhouse_url: str) -> Iterator[Store]:
    random = Random(11)
    with temporary_store(clickhouse_url) as made:
        made.add_spans(*(span(random) for _ in range(500)))
        made.add_spans(*({**span(random), "project_id": "q"} for _ in range(300)))
        yield made


@pytest.fixture(scope="module")
def asker(filled: Store) -> Iterator[Asker]:
    with Asker(filled) as made:
        yield made


def whole(spans: list[dict[str, Any]]) -> dict[str, Any]:
    """What an answer says of all spans of a trace."""
    return {
        "spans": len(spans),
        "errors": sum(each["status"] == "error" for each in spans),
        "services": sorted({each["service"] for each in spans} - {""}),
    }


@examples(20)
@given(queries(ATOMS), RANGES, st.sampled_from(["time", "duration", "errors"]), st.integers(5, 60))
def test_every_number_is_that_of_the_rows(
    filled: Store, asker: Asker, query: str, range: Range, sort: str, limit: int
) -> None:
    roots = [
        row
        for row in found_rows(filled, "spans", LANGUAGE, query, range)
        if row["trace_id"] and not row["parent_span_id"]
    ]
    around = Range(range.start - EARLIER_US, range.end + LATER_US)
    traces: dict[str, list[dict[str, Any]]] = {}
    for row in found_rows(filled, "spans", LANGUAGE, "", around):
        traces.setdefault(row["trace_id"], []).append(row)
    wholes = {trace_id: whole(spans) for trace_id, spans in traces.items()}
    if sort != "time":  # stable: of equal ones the newest first
        key = {"duration": lambda row: row["duration_ms"], "errors": lambda row: wholes[row["trace_id"]]["errors"]}
        roots.sort(key=key[sort], reverse=True)
    pages = list(asker.pages(PATH, **asking(query, range), sort=sort, limit=limit))
    listed = [each for page in pages for each in page["traces"]]
    assert [(each["timestamp"], each["span_id"], each["duration_ms"]) for each in listed] == [
        (format_time(row["timestamp"]), row["span_id"], row["duration_ms"]) for row in roots
    ]
    for each in listed:
        assert {name: each[name] for name in ("spans", "errors", "services")} == wholes[each["trace_id"]]


@pytest.fixture(scope="module")
def own(clickhouse_url: str) -> Iterator[Store]:
    with temporary_store(clickhouse_url) as made:
        yield made


@pytest.fixture
def store(own: Store) -> Store:
    return own.empty()


@pytest.fixture
def api(store: Store) -> Iterator[Asker]:
    with Asker(store, merged={"2": "1"}) as made:
        yield made


def spans_of(answer: dict[str, Any], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(each[name] for name in names) for each in answer["spans"]]


def test_a_trace_is_a_tree_with_its_critical_path(store: Store, api: Asker) -> None:
    def made(span_id: str, parent: str, at_ms: int, duration_ms: int, **more: Any) -> dict[str, Any]:
        place = {"trace_id": "t", "span_id": span_id, "parent_span_id": parent, "operation": span_id, "status": "ok"}
        return place | {"timestamp": NOON + at_ms * 1000, "duration_ms": duration_ms} | more

    store.add_spans(
        made("root", "", 0, 100, attributes='{"a":1}'),
        made("slow", "root", 10, 80, service="db"),
        made("quick", "root", 10, 20),
        made("early", "root", -5, 10),
        made("lost", "gone", 200, 5),
        made("slow", "root", 95, 1),
        made("root", "", 0, 1, trace_id="other"),
        made("root", "", 0, 1, project_id="q"),
    )
    answer = api.found(f"{PATH}/t")
    assert spans_of(answer, "operation", "parent", "depth", "start_us", "self_us", "critical_us", "skew_us") == [
        ("root", None, 0, 0, 9_000, 9_000, 0),
        ("early", 0, 1, 0, 10_000, 10_000, 5_000),
        ("slow", 0, 1, 10_000, 80_000, 80_000, 0),
        ("quick", 0, 1, 10_000, 20_000, None, 0),
        ("slow", 0, 1, 95_000, 1_000, 1_000, 0),
        ("lost", None, 0, 200_000, 5_000, 5_000, 0),
    ]
    assert [each["repeated"] for each in answer["spans"]] == [False, False, False, False, True, False]
    assert [each["orphan"] for each in answer["spans"]] == [False, False, False, False, False, True]
    assert (answer["span_count"], answer["duration_us"], answer["attributes_left_out"]) == (6, 205_000, 0)
    assert (answer["start"], answer["end"]) == (format_time(NOON - 5_000), format_time(NOON + 205_000))
    assert answer["spans"][0]["attributes"] == {"a": 1}
    near = api.found(f"{PATH}/t", at=format_time(NOON + 20 * HOUR))
    assert near["spans"] == answer["spans"]
    assert near["range"]["end"] == format_time(NOON + 44 * HOUR)
    assert api.get(f"{PATH}/t", at=format_time(NOON + 25 * HOUR)).status_code == 404


def test_what_else_happened_in_it_stands_beside_it(store: Store, api: Asker) -> None:
    store.add_spans({"trace_id": "t", "span_id": "s", "duration_ms": 60_000})
    end = NOON + 60 * SECOND
    store.add_logs(
        *({"trace_id": "t", "timestamp": NOON + n, "message": f"m{n}" + "x" * 600} for n in range(102)),
        {"trace_id": "t", "timestamp": NOON - 301 * SECOND},
        {"trace_id": "t", "timestamp": end + 301 * SECOND},
        {"trace_id": "t", "project_id": "q"},
        {"trace_id": "other"},
    )
    store.add_errors({"trace_id": "t", "timestamp": end + 299 * SECOND, "event_id": "e", "fingerprint": "2"})
    store.add_calls({"trace_id": "t", "model": "m1", "cost_usd": 0.5, "latency_ms": 7})
    beside = api.found(f"{PATH}/t")["beside"]
    assert beside["logs"]["count"] == 102
    assert [each["message"][:3].strip("x") for each in beside["logs"]["first"]] == [f"m{n}"[:3] for n in range(100)]
    assert {len(each["message"]) for each in beside["logs"]["first"]} == {500}
    assert [(each["event_id"], each["fingerprint"]) for each in beside["errors"]["first"]] == [("e", "1")]
    assert [(each["model"], each["cost_usd"]) for each in beside["llm_calls"]["first"]] == [("m1", 0.5)]
    assert (beside["errors"]["count"], beside["llm_calls"]["count"]) == (1, 1)


def test_what_opentelemetry_says_of_a_span_is_told(store: Store, api: Asker) -> None:
    said = {
        "trace_id": "t",
        "span_id": "a",
        "kind": "server",
        "status": "error",
        "status_message": "declined",
        "scope_name": "shop",
        "user_id": "u",
        "session_id": "v",
        "duration_ms": 2,
        "duration_us": 1_600,
        "events": '[{"name":"retry","time":"","attributes":{}}]',
        "resource": '{"host.name":"web"}',
        "links": '[{"trace_id":"b0","span_id":"b1","trace_state":"","attributes":{}}]',
    }
    store.add_spans(
        said,
        {"trace_id": "t", "span_id": "b", "parent_span_id": "a", "resource": '{"host.name":"d', "duration_ms": 2},
        {"trace_id": "t", "span_id": "c", "parent_span_id": "a", "resource": '{"host.name":"web"}'},
    )
    answer = api.found(f"{PATH}/t")
    first, second, _ = answer["spans"]
    for name in ("kind", "status_message", "scope_name", "user_id", "session_id", "duration_us"):
        assert first[name] == said[name]
    assert [each["name"] for each in first["events"]] == ["retry"]
    assert [each["span_id"] for each in first["links"]] == ["b1"]
    assert answer["resources"] == [{"host.name": "web"}]
    assert [each["resource"] for each in answer["spans"]] == [0, None, 0], "one that was cut is no JSON"
    assert [second[name] for name in ("kind", "events", "links", "duration_us")] == [None, None, None, 2_000]


def test_any_text_may_be_a_trace_id(store: Store, api: Asker) -> None:
    store.add_spans({"trace_id": "a/b c?", "span_id": "s"}, {"trace_id": "", "span_id": "none"})
    for path in ("a/b%20c%3F", "a%2Fb%20c%3F", "a/b%20c%3F/"):
        assert api.found(f"{PATH}/{path}")["trace_id"] == "a/b c?"
    assert api.found(f"{PATH}/")["traces"] == []
    assert api.get(f"{PATH}//").status_code == 404


def test_only_so_many_spans_and_attributes_are_shown(store: Store, api: Asker) -> None:
    large = '{"a":"' + "x" * 2000 + '"}'
    store.add_spans(
        *({"trace_id": "t", "span_id": f"s{n}", "timestamp": NOON + n, "attributes": large} for n in range(10_050))
    )
    answer = api.found(f"{PATH}/t")
    assert (len(answer["spans"]), answer["span_count"]) == (10_000, 10_050)
    held = 4_000_000 // len(large)
    assert [each["attributes"] is None for each in answer["spans"]] == [False] * held + [True] * (10_000 - held)
    assert answer["attributes_left_out"] == 10_000 - held


def test_a_trace_that_there_is_not_is_404(store: Store, api: Asker) -> None:
    store.add_spans({"trace_id": "t", "project_id": "q"})
    assert api.get(f"{PATH}/t").status_code == 404
    assert api.get("/api/v1/projects/q/traces/t").status_code == 404
    assert api.get(f"{PATH}/t", at="yesterday").status_code == 422
    assert api.get(f"{PATH}/t", last="1h").status_code == 422


def test_the_index_finds_a_trace_and_the_key_a_range(filled: Store) -> None:
    of_trace = Condition("trace_id = %(trace_id)s", {"trace_id": "t1"})
    source = Source.of(filled.clickhouse.database, "spans", "p", [*within(NOON, NOON + HOUR), of_trace])
    plan = filled.clickhouse.query(f"EXPLAIN indexes = 1 {spans_sql(source)}", source.values)
    text = "\n".join(line for (line,) in plan)
    for used in ("bloom_filter", "PrimaryKey", "Partition"):
        assert used in text, text
