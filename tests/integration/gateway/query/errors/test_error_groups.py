"""The groups of errors in a range, and every number of them (reading.md, "Errors")."""

import builtins
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.query.asked import Asked
from gateway.query.errors.fields import LANGUAGE, SEVERITIES
from gateway.query.errors.rows import errors_of
from gateway.query.groups import Grouping
from gateway.query.range import Range
from gateway.query.reader import Reader
from gateway.query.times import format_time
from shared.error_states import STATUSES, Reopened, State, Status
from shared.group_merges import Merges
from tests.examples import examples
from tests.integration.gateway.query.questions import DAY_US, HOUR, RANGES, asking, found_rows, queries
from tests.integration.gateway.query.read_api import NOON, Asker, Store, temporary_store

PATH = "/api/v1/projects/p/errors"
PRINTS = [f"{n:064x}" for n in range(7)]
MERGED = {PRINTS[5]: PRINTS[1], PRINTS[6]: PRINTS[1]}
"""Into the second group."""

AT = datetime(2026, 1, 15, tzinfo=UTC)
SAID = {
    PRINTS[0]: State("resolved", AT, assignee="ana"),
    PRINTS[1]: State("muted", AT),
    PRINTS[2]: State("open", AT, reopened=Reopened(AT, "regressed")),
    PRINTS[6]: State("resolved", AT),  # of a group that has another head by now
}

ATOMS = [
    *("type:A", "type:B", "release:r1", "release:*", "service:api", "env:prod", "severity:>=high", "handled:yes"),
    *("user:u1", "user:*", "level:error", "boom", "declined", "attr.a:1", f"fingerprint:{PRINTS[2]}"),
]


def error(random: Random) -> dict[str, Any]:
    return {
        "fingerprint": random.choice(PRINTS),
        "fingerprint_parts": '["v2",["A"],[],null,"frames"]',
        "event_id": f"e{random.random()}",
        "type": random.choice("AB"),
        "error_message": random.choice(["boom", "card declined", "other"]),
        "release": random.choice(["", "r1", "r2", "r10"]),
        "service": random.choice(["", "api", "web"]),
        "environment": random.choice(["prod", "staging"]),
        "severity": random.choice(["", *SEVERITIES]),
        "level": random.choice(["", "error", "warning"]),
        "handled": random.choice([0, 1]),
        "user_id": random.choice(["", "u1", "u2"]),
        "user_email": random.choice(["", "a@b.example"]),
        "attributes": random.choice(["", '{"a":1}']),
        # Some at the same microsecond, some at the edges of hours.
        "timestamp": NOON + random.choice([0, HOUR, random.randrange(-DAY_US, DAY_US)]),
    }


@pytest.fixture(scope="module")
def store(clickhouse_url: str) -> Iterator[Store]:
    random = Random(7)
    with temporary_store(clickhouse_url) as made:
        made.add_errors(*(error(random) for _ in range(600)))
        made.add_errors(*({**error(random), "project_id": "q"} for _ in range(200)))
        yield made


@pytest.fixture(scope="module")
def api(store: Store) -> Iterator[Asker]:
    with Asker(store, merged=MERGED, said=SAID) as made:
        yield made


def head(row: dict[str, Any]) -> str:
    return MERGED.get(row["fingerprint"], row["fingerprint"])


def user(row: dict[str, Any]) -> str:
    return str(row["user_id"] or row["user_email"])


def trend(rows: list[dict[str, Any]], range: Range) -> list[int]:
    part = -(-(range.end - range.start + 1) // 24)
    counts = Counter((row["timestamp"] - range.start) // part for row in rows)
    return [counts[n] for n in builtins.range(24)]


def severity(rows: list[dict[str, Any]]) -> str | None:
    return max((row["severity"] for row in rows if row["severity"]), key=SEVERITIES.index, default=None)


def names(rows: list[dict[str, Any]], column: str) -> list[str]:
    return sorted({row[column] for row in rows} - {""})


def group(rows: list[dict[str, Any]], range: Range) -> dict[str, Any]:
    """What the answer must say of the rows of a group, the newest first."""
    return {
        "fingerprint": head(rows[0]),
        "type": rows[0]["type"],
        "message": rows[0]["error_message"],
        "count": len(rows),
        "users": len({user(row) for row in rows} - {""}),
        "first_seen": format_time(rows[-1]["timestamp"]),
        "last_seen": format_time(rows[0]["timestamp"]),
        "severity": severity(rows),
        "levels": names(rows, "level"),
        "releases": names(rows, "release"),
        "services": names(rows, "service"),
        "environments": names(rows, "environment"),
        "trend": trend(rows, range),
        "status": said(head(rows[0])).status,
        "assignee": said(head(rows[0])).assignee,
        "reopened": "regressed" if said(head(rows[0])).reopened else None,
    }


def said(fingerprint: str) -> State:
    return SAID.get(fingerprint, State())


def rank(sort: str, rows: list[dict[str, Any]], range: Range) -> int:
    middle = (range.start + range.end) // 2 + 1
    match sort:
        case "last":
            return int(rows[0]["timestamp"])
        case "first":
            return int(rows[-1]["timestamp"])
        case "count":
            return len(rows)
        case "users":
            return len({user(row) for row in rows} - {""})
    return sum(1 if row["timestamp"] >= middle else -1 for row in rows)


@examples(20)
@given(
    queries(ATOMS),
    RANGES,
    st.sampled_from(["last", "first", "count", "users", "trend"]),
    st.integers(1, 7),
    st.sets(st.sampled_from(STATUSES)),
)
def test_every_number_is_that_of_the_rows(
    store: Store, api: Asker, query: str, range: Range, sort: str, limit: int, statuses: set[Status]
) -> None:
    by_head: dict[str, list[dict[str, Any]]] = {}
    for row in found_rows(store, "errors", LANGUAGE, query, range):
        if not statuses or said(head(row)).status in statuses:
            by_head.setdefault(head(row), []).append(row)
    order = sorted(by_head, key=lambda each: (rank(sort, by_head[each], range), each), reverse=True)
    pages = list(api.pages(PATH, **asking(query, range), sort=sort, limit=limit, status=",".join(statuses)))
    assert [each for page in pages for each in page["groups"]] == [group(by_head[each], range) for each in order]
    assert all(len(page["groups"]) == limit for page in pages[:-1])
    assert {page["range"]["start"] for page in pages} == {format_time(range.start)}


def test_the_key_bounds_what_is_read(store: Store) -> None:
    asked = Asked(Range(NOON, NOON + HOUR))
    source = errors_of(Reader(store.url), "p", Grouping(Merges({})), asked)
    plan = store.clickhouse.query(f"EXPLAIN indexes = 1 {source.query('count()', '')}", source.values)
    text = "\n".join(line for (line,) in plan)
    for used in ("PrimaryKey", "project_id", "timestamp", "Partition", "received_at"):
        assert used in text, text
