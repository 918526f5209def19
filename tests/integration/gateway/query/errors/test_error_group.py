"""One group of errors, and its events (reading.md, "One group", "Events of a group")."""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.query.errors.ever import BEGINNINGS, EVER
from gateway.query.errors.fields import LANGUAGE
from gateway.query.language import Condition
from gateway.query.range import Range
from gateway.query.source import Source
from gateway.query.times import format_time
from tests.examples import examples
from tests.integration.gateway.query.errors.test_error_groups import (
    ATOMS,
    MERGED,
    PATH,
    PRINTS,
    error,
    head,
    severity,
    trend,
    user,
)
from tests.integration.gateway.query.questions import RANGES, asking, found_rows, queries
from tests.integration.gateway.query.read_api import NOON, Asker, Store, temporary_store

EVERYTHING = Range(NOON - 10**14, NOON + 10**14)


@pytest.fixture(scope="module")
def store(clickhouse_url: str) -> Iterator[Store]:
    random = Random(8)
    with temporary_store(clickhouse_url) as made:
        made.add_errors(*(error(random) for _ in range(500)))
        made.add_errors(*({**error(random), "project_id": "q"} for _ in range(200)))
        made.add_errors({"project_id": "q", "fingerprint": "f" * 64})
        made.clickhouse.query("OPTIMIZE TABLE errors FINAL")
        yield made


@pytest.fixture(scope="module")
def api(store: Store) -> Iterator[Asker]:
    with Asker(store, merged=MERGED) as made:
        yield made


def part(value: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    times = [row["timestamp"] for row in rows]
    first, last = format_time(min(times)), format_time(max(times))
    return {"value": value or None, "count": len(rows), "first_seen": first, "last_seen": last}


def parts(rows: list[dict[str, Any]], value_of: Any) -> list[dict[str, Any]]:
    counts = Counter(value_of(row) for row in rows)
    order = sorted(counts, key=lambda value: (-counts[value], value))
    return [part(value, [row for row in rows if value_of(row) == value]) for value in order]


@examples(20)
@given(queries(ATOMS), RANGES, st.sampled_from(PRINTS))
def test_every_number_is_that_of_the_rows(store: Store, api: Asker, query: str, range: Range, fingerprint: str) -> None:
    answer = api.found(f"{PATH}/{fingerprint}", **asking(query, range))
    wanted = MERGED.get(fingerprint, fingerprint)
    ever = [row for row in found_rows(store, "errors", LANGUAGE, "", EVERYTHING) if head(row) == wanted]
    rows = [row for row in found_rows(store, "errors", LANGUAGE, query, range) if head(row) == wanted]
    assert answer["fingerprint"] == wanted
    assert answer["members"] == [wanted, *sorted(each for each, into in MERGED.items() if into == wanted)]
    assert answer["ever"] == {
        "count": len(ever),
        "first_seen": format_time(ever[-1]["timestamp"]),
        "last_seen": format_time(ever[0]["timestamp"]),
    }
    assert answer["newest"]["event_id"] == ever[0]["event_id"]
    assert (answer["newest"]["rule"], answer["newest"]["parts"]) == ("frames", ["v2", ["A"], [], None, "frames"])
    assert answer["found"] == {
        "count": len(rows),
        "users": len({user(row) for row in rows} - {""}),
        "severity": severity(rows),
        "first_seen": format_time(rows[-1]["timestamp"]) if rows else None,
        "last_seen": format_time(rows[0]["timestamp"]) if rows else None,
        "newest_event_id": rows[0]["event_id"] if rows else None,
        "trend": trend(rows, range),
    }
    columns = {"releases": "release", "services": "service", "environments": "environment", "levels": "level"}
    for name, column in columns.items():
        assert answer["parts"][name] == parts(rows, lambda row, column=column: row[column])
    assert answer["parts"]["users"] == parts(rows, user)


@examples(15)
@given(queries(ATOMS), RANGES, st.sampled_from(PRINTS), st.integers(3, 40))
def test_its_events_are_the_rows_and_lead_back(
    store: Store, api: Asker, query: str, range: Range, fingerprint: str, limit: int
) -> None:
    wanted = MERGED.get(fingerprint, fingerprint)
    rows = [row for row in found_rows(store, "errors", LANGUAGE, query, range) if head(row) == wanted]
    path = f"{PATH}/{fingerprint}/events"
    pages = list(api.pages(path, **asking(query, range), limit=limit))
    listed = [each for page in pages for each in page["events"]]
    assert [each["event_id"] for each in listed] == [row["event_id"] for row in rows]
    assert [each["fingerprint"] for each in listed] == [row["fingerprint"] for row in rows]
    # The last page leads back to the first, through the same pages.
    at = pages[-1]
    back = [at]
    while at["previous"]:
        at = api.found(path, **asking(query, range), limit=limit, cursor=at["previous"])
        back.append(at)
    assert [each["events"] for each in reversed(back)] == [page["events"] for page in pages]


def test_the_events_beside_one_keep_the_filter(api: Asker) -> None:
    given = asking("type:A", Range(NOON - 10**11, NOON + 10**11)) | {"limit": 1}
    first = api.get(f"{PATH}/{PRINTS[0]}/events", **given)
    older = api.get(first.links["next"]["url"])
    assert {each["type"] for each in older.json()["events"]} == {"A"}
    newer = api.get(older.links["prev"]["url"])
    assert newer.json()["events"] == first.json()["events"]
    assert "prev" not in newer.links


@pytest.mark.parametrize("more", ["", "/events"])
def test_a_group_that_there_is_not_is_404(api: Asker, more: str) -> None:
    assert api.get(f"{PATH}/{'f' * 64}{more}").status_code == 404  # of another project
    assert api.get(f"{PATH}/%00{more}").status_code == 404
    assert api.get(f"/api/v1/projects/q/errors/{PRINTS[0]}{more}").status_code == 404
    assert api.get(f"{PATH}/{PRINTS[0]}{more}", last="1h").status_code == 200  # nothing in the range
    refused = api.get(f"{PATH}/{PRINTS[0]}{more}", last="x", colour="red")
    assert [each["loc"][1] for each in refused.json()["detail"]] == ["last", "colour"]


@pytest.mark.parametrize(("select", "rest"), [(EVER, ""), (BEGINNINGS, "GROUP BY fingerprint")])
def test_the_rollup_answers_what_is_known_whatever_the_range(store: Store, select: str, rest: str) -> None:
    only = Condition("fingerprint IN %(members)s", {"members": (PRINTS[1], PRINTS[5])})
    source = Source.of(store.clickhouse.database, "errors", "p", [only])
    plan = store.clickhouse.query(f"EXPLAIN {source.query(select, rest)}", source.values)
    assert any("groups_by_hour" in line for (line,) in plan), plan


@pytest.mark.parametrize("made_up", ["x", "W10", "WyJ0aW1lIixmYWxzZSwwLFswLDAsMCwwLDAsInQiXV0"])
def test_a_cursor_of_another_list_is_refused(api: Asker, made_up: str) -> None:
    assert api.get(PATH, cursor=made_up).status_code == 422
    assert api.get("/api/v1/projects/p/llm/calls", cursor=made_up, sort="cost").status_code == 422
