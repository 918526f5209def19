"""How many logs a range has, bucket by bucket (reading.md, "Volume")."""

import builtins
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.query.as_of import AsOf, encode_as_of
from gateway.query.asked import Asked
from gateway.query.logs import counted, plan
from gateway.query.logs.fields import LANGUAGE
from gateway.query.logs.volume import VolumeQuery, find_volume
from gateway.query.range import Range
from gateway.query.times import format_time, parse_time
from tests.examples import examples
from tests.integration.gateway.query.explaining import Explaining
from tests.integration.gateway.query.log_questions import ATOMS, logs
from tests.integration.gateway.query.questions import HOUR, RANGES, asking, found_rows, queries
from tests.integration.gateway.query.read_api import DAY, NOON, Asker, Store, temporary_store

PATH = "/api/v1/projects/p/logs/volume"
MINUTE = 60_000_000
LONG = Range(NOON - 3 * HOUR - 1, NOON + 4 * HOUR + 7)


@pytest.fixture(scope="module")
def filled(clickhouse_url: str) -> Iterator[Store]:
    with temporary_store(clickhouse_url) as made:
        made.add_logs(*logs(3, 500))
        yield made


@pytest.fixture(scope="module")
def asker(filled: Store) -> Iterator[Asker]:
    with Asker(filled) as made:
        yield made


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "MAX_ROWS", 60)
    monkeypatch.setattr(plan, "MAX_PARSED_ROWS", 40)


async def test_every_bucket_of_the_range_is_there(store: Store, api: httpx.AsyncClient) -> None:
    store.add_logs(
        {"timestamp": NOON, "level": "error"},
        {"timestamp": NOON + 5 * MINUTE, "level": "info"},
        {"timestamp": NOON + 5 * MINUTE + 1, "level": "info"},
        {"timestamp": NOON + 61 * MINUTE},
        {"timestamp": NOON, "project_id": "q"},
    )
    answer = await api.get(
        PATH,
        params={"start_time": "2026-01-15T12:00:00Z", "end_time": "2026-01-15T13:00:00Z", "buckets": 61},
    )
    assert answer.status_code == 200, answer.text
    volume = answer.json()
    assert volume["range"] == {"start": "2026-01-15T12:00:00.000Z", "end": "2026-01-15T13:00:00.000Z"}
    assert volume["bucket_s"] == 60
    assert volume["total"] == 3
    assert len(volume["buckets"]) == 61
    assert volume["buckets"][0] == {"time": "2026-01-15T12:00:00.000Z", "counts": {"error": 1}}
    assert volume["buckets"][1]["counts"] == {}
    assert volume["buckets"][5]["counts"] == {"info": 2}


async def test_a_query_narrows_it(store: Store, api: httpx.AsyncClient) -> None:
    store.add_logs({"timestamp": NOON, "message": "card declined"}, {"timestamp": NOON, "message": "paid"})
    params = {"start_time": "2026-01-15T12:00:00Z", "end_time": "2026-01-15T13:00:00Z", "q": "card"}
    answer = await api.get(PATH, params=params)
    assert answer.json()["total"] == 1


async def test_a_bad_range_is_named(store: Store, api: httpx.AsyncClient) -> None:
    answer = await api.get(PATH, params={"last": "forever", "by": "colour"})
    assert answer.status_code == 422
    assert [each["loc"][1] for each in answer.json()["detail"]] == ["last", "by"]


BUDGETS = st.sampled_from([1, 100, 20_000_000])
OLD = st.sampled_from([Range(-2 * DAY, DAY), Range(-2 * DAY, -1), Range(0, 7 * HOUR)])


@examples(20)
@given(
    queries(ATOMS),
    st.one_of(RANGES, RANGES, RANGES, OLD),
    st.sampled_from(["level", "service", "environment"]),
    st.integers(60, 120),
    BUDGETS,
)
def test_every_number_is_that_of_the_rows(
    filled: Store, asker: Asker, query: str, range: Range, by: str, buckets: int, budget: int
) -> None:
    answer = asker.found(PATH, **asking(query, range), by=by, buckets=buckets, budget=budget)
    to, width = parse_time(answer["searched_to"]), answer["bucket_s"] * 1_000_000
    rows = [row for row in found_rows(filled, "logs", LANGUAGE, query, range) if row["timestamp"] >= to]
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(format_time(row["timestamp"] // width * width), Counter())[row[by]] += 1
    shown = {each["time"]: each["counts"] for each in answer["buckets"]}
    assert {time: each for time, each in shown.items() if each} == counts
    assert answer["total"] == len(rows)
    assert [parse_time(time) for time in shown] == list(
        builtins.range(range.start // width * width, range.end + 1, width)
    )
    assert all((each is None) == (parse_time(time) + width <= to) for time, each in shown.items())
    assert len(shown) <= buckets
    if budget > 1000:
        assert to == range.start


async def test_a_budget_ends_it_early_and_nothing_older_is_told(store: Store, api: httpx.AsyncClient) -> None:
    store.add_logs(*({"timestamp": NOON + n * 5 * MINUTE, "message": "boom"} for n in range(12) for _ in range(30)))
    params = {"start_time": "2026-01-15T12:00:00Z", "end_time": "2026-01-15T13:00:00Z", "q": "boom", "budget": 70}
    volume = (await api.get(PATH, params=params)).json()
    assert (volume["searched_to"], volume["total"]) == ("2026-01-15T12:50:00.000Z", 60)
    assert [each["counts"] for each in volume["buckets"]][49:56] == [None, {"info": 30}, {}, {}, {}, {}, {"info": 30}]


@pytest.mark.parametrize("q", ["", "level:>=warn env:prod", "-service:a*", "level:error service:(api OR web) OR env:*"])
async def test_the_rollup_answers_what_it_can(explaining: Explaining, store: Store, q: str) -> None:
    store.add_logs(*logs(1, 50))
    asked = Asked(LONG, LANGUAGE.parse(q).tree)
    await find_volume(explaining, "p", VolumeQuery(asked, 90, "service", 1))
    *edges, whole = explaining.plans
    assert len(edges) == 2
    assert "ReadFromMergeTree (volume_by_5min)" in whole, whole
    for edge in edges:
        assert "PrimaryKey" in edge
        assert "received_at" in edge


@pytest.mark.parametrize(("q", "range"), [("boom", LONG), ("release:r1", LONG), ("", Range(NOON, NOON + 5 * HOUR))])
async def test_else_rows_are_read_in_steps_that_the_rollup_plans(
    explaining: Explaining, store: Store, q: str, range: Range
) -> None:
    store.add_logs(*logs(1, 200))
    await find_volume(explaining, "p", VolumeQuery(Asked(range, LANGUAGE.parse(q).tree), 90, "level", 10**6))
    planned, *steps = explaining.plans
    assert "ReadFromMergeTree (volume_by_5min)" in planned, planned
    assert steps
    assert not any("volume_by_5min" in step for step in steps)


async def test_of_a_state_only_its_rows_are_counted(store: Store, api: httpx.AsyncClient) -> None:
    store.add_logs(*({"timestamp": NOON - n * HOUR, "received_at": NOON, "_offset": n} for n in range(20)))
    state = encode_as_of(AsOf(NOON, {"logs": (7,)}))
    params = {"end_time": "2026-01-15T12:00:00Z", "last": "24h"}
    totals = [(await api.get(PATH, params=params | more)).json()["total"] for more in ({}, {"as_of": state})]
    assert totals == [20, 7]


async def test_more_counts_than_an_answer_holds_are_refused(
    store: Store, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counted, "MOST_COUNTS", 5)
    store.add_logs(*({"service": f"s{n}", "timestamp": NOON} for n in range(6)))
    params = {"end_time": "2026-01-15T12:00:00Z", "by": "service"}
    for more in ({"last": "1h"}, {"last": "7d"}):
        answer = await api.get(PATH, params=params | more)
        assert answer.status_code == 422, answer.text
        assert "choose a shorter range" in answer.json()["detail"][0]["msg"]
