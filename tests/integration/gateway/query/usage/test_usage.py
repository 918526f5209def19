"""How many records a project has sent (reading.md, "Usage")."""

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.query.buckets import WIDTHS, Width
from gateway.query.range import Range
from gateway.query.times import format_time
from gateway.query.usage.records import arrived, counted_by
from tests.examples import examples
from tests.integration.gateway.query.questions import DAY_US, HOUR, RANGES, asking
from tests.integration.gateway.query.read_api import NOON, Asker, Store, temporary_store

PATH = "/api/v1/projects/p/usage"
TABLES = {"logs": "logs", "errors": "errors", "traces": "spans", "llm": "llm_calls"}


@pytest.fixture(scope="module")
def store(clickhouse_url: str) -> Iterator[Store]:
    random = Random(5)
    with temporary_store(clickhouse_url) as made:
        for add in (made.add_logs, made.add_errors, made.add_spans, made.add_calls):
            arrivals = [NOON + random.choice([0, HOUR - 1, random.randrange(-DAY_US, DAY_US)]) for _ in range(150)]
            add(*({"received_at": each, "project_id": random.choice("ppq")} for each in arrivals))
        yield made


@pytest.fixture(scope="module")
def api(store: Store) -> Iterator[Asker]:
    with Asker(store) as made:
        yield made


@examples(12)
@given(RANGES, st.sampled_from(["hour", "day"]))
def test_every_number_is_that_of_the_rows(store: Store, api: Asker, range: Range, bucket: str) -> None:
    whole = WIDTHS[bucket].whole(range)
    counts: dict[int, Counter[str]] = {}
    for signal, table in TABLES.items():
        rows = store.clickhouse.query(
            f"SELECT toUnixTimestamp64Micro(received_at) AS at FROM {table} WHERE project_id = 'p'"
            f" AND at >= {whole.start} AND at <= {whole.end}"
        )
        for (at,) in rows:
            counts.setdefault(at - at % WIDTHS[bucket].us, Counter())[signal] += 1
    answer = api.found(PATH, **asking("", range), bucket=bucket)
    assert answer["range"] == {"start": format_time(whole.start), "end": format_time(whole.end)}
    assert {each["time"]: each["records"] for each in answer["buckets"] if each["records"]} == {
        format_time(time): dict(records) for time, records in counts.items()
    }
    assert len(answer["buckets"]) == (whole.end + 1 - whole.start) // WIDTHS[bucket].us
    assert answer["total"] == dict(sum(counts.values(), Counter()))


@pytest.mark.parametrize("table", TABLES.values())
@pytest.mark.parametrize("width", WIDTHS.values())
def test_the_rollup_answers_it(store: Store, table: str, width: Width) -> None:
    source = arrived(store.clickhouse.database, table, "p", Range(NOON, NOON + DAY_US))
    sql = source.query(counted_by(width), "GROUP BY bucket")
    plan = store.clickhouse.query(f"EXPLAIN {sql}", source.values)
    assert any("lanes_by_hour" in line for (line,) in plan), plan


def test_a_range_has_only_so_many_buckets(api: Asker) -> None:
    assert api.get(PATH, last="32d").status_code == 422
    assert api.get(PATH, last="32d", bucket="day").status_code == 200
    assert api.get(PATH, q="x").status_code == 422
