"""Patterns and their changes: every number is that of the rows (reading.md, "Patterns", "Changes")."""

import asyncio
import builtins
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.query.asked import Asked
from gateway.query.logs import plan
from gateway.query.logs.fields import LANGUAGE
from gateway.query.logs.patterns import covered, union
from gateway.query.logs.patterns.fold import fold
from gateway.query.logs.patterns.patterns import PatternsQuery, find_patterns
from gateway.query.range import Range
from gateway.query.times import format_time, parse_time
from tests.examples import examples
from tests.integration.gateway.query.explaining import Explaining
from tests.integration.gateway.query.judge import LEVELS, pattern_of
from tests.integration.gateway.query.questions import DAY_US, HOUR, RANGES, asking, found_rows, queries
from tests.integration.gateway.query.read_api import NOON, Asker, Store, temporary_store

PATH = "/api/v1/projects/p/logs/"
PEOPLE = ["alice", "bob", "carol", "dave", "eve", "frank"]
ATOMS = ["level:error", "level:>=warn", 'pattern:"job * done"', "pattern:login*", "pattern:*b*"]
OTHERS = ["service:api", "login", "attr.a:1"]

Row = dict[str, Any]


def log(random: Random) -> Row:
    message = random.choice(
        [
            f"job {random.randrange(9)} done",
            f"login of {random.choice(PEOPLE)} failed",
            f"GET /a/{random.randrange(99)} in {random.randrange(9)}ms",
            random.choice(["disk full", "", 'odd "quoted" (x)', "é " * 300]),
        ]
    )
    return {
        "message": message,
        "template": random.choice(["", "", "", "job {n} done"]),
        "level": random.choice(LEVELS),
        "service": random.choice(["", "api", "web"]),
        "attributes": random.choice(["", '{"a":1}']),
        # Some at the same microsecond, some at the edges of hours.
        "timestamp": NOON + random.choice([0, HOUR, HOUR - 1, random.randrange(-2 * DAY_US, 2 * DAY_US)]),
    }


@pytest.fixture(scope="module")
def store(clickhouse_url: str) -> Iterator[Store]:
    random = Random(13)
    with temporary_store(clickhouse_url) as made:
        made.add_logs(*(log(random) for _ in range(900)))
        made.add_logs(*({**log(random), "project_id": "q"} for _ in range(200)))
        yield made


@pytest.fixture(scope="module")
def api(store: Store) -> Iterator[Asker]:
    with Asker(store) as made:
        yield made


def by_pattern(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(pattern_of(row["message"], row["template"]), []).append(row)
    return found


def folded(found: dict[str, list[Row]], order: Sequence[str]) -> dict[str, tuple[int, list[Row]]]:
    """Pattern as it is shown -> how many it stands for, and their rows, the newest first."""
    shown = {}
    for text, members in fold(order):
        rows = [row for n in members for row in found[order[n]]]
        shown[text] = (len(members), sorted(rows, key=lambda row: -row["timestamp"]))
    return shown


def levels(rows: Sequence[Row]) -> list[str]:
    return sorted({row["level"] for row in rows}, key=LEVELS.index)


def trend(rows: Sequence[Row], range: Range, by_hour: bool) -> list[int]:
    width = -(-(range.end - range.start + 1) // 24)
    if not by_hour:
        counts = Counter((row["timestamp"] - range.start) // width for row in rows)
        return [counts[n] for n in builtins.range(24)]
    width = max(width, HOUR)
    parts = -(-(range.end - range.start + 1) // width)
    ends = (row["timestamp"] // HOUR * HOUR + HOUR - 1 for row in rows)
    counts = Counter(min((end - range.start) // width, parts - 1) for end in ends)
    return [counts[n] for n in builtins.range(parts)]


SORTS = {
    "count": lambda rows: len(rows),
    "new": lambda rows: rows[-1]["timestamp"],
    "last": lambda rows: rows[0]["timestamp"],
}


@examples(12)
@given(queries(ATOMS), RANGES, st.sampled_from([*SORTS]), st.integers(2, 7), st.booleans(), st.booleans())
def test_every_number_is_that_of_the_rows(
    store: Store, api: Asker, query: str, range: Range, sort: str, limit: int, large: bool, other: bool
) -> None:
    if other:
        query = f"{query} {OTHERS[limit % 3]}"
    rows = found_rows(store, "logs", LANGUAGE, query, range)
    with patch.object(covered, "HOURLY_ROWS", 0 if large else 1_000):
        pages = list(api.pages(PATH + "patterns", **asking(query, range), sort=sort, limit=limit))
    found = by_pattern(rows)
    order = sorted(found, key=lambda each: (-SORTS[sort](found[each]), each))
    whole_hours = range.end + 1 - -(-range.start // HOUR) * HOUR >= HOUR
    first = pages[0]
    assert first["total"] == len(rows)
    assert first["distinct"] == len(found)
    assert first["beyond"] == 0
    assert first["counted"] == {"start": format_time(range.start), "end": format_time(range.end)}
    if other or not large or not whole_hours:
        assert not first["by_hour"]
    shown = folded(found, order)
    right = sorted(shown, key=lambda each: (-SORTS[sort](shown[each][1]), each))
    answered = [each for page in pages for each in page["patterns"]]
    assert [each["pattern"] for each in answered] == right
    for each in answered:
        members, of_it = shown[each["pattern"]]
        newest = [row["message"][:2000] for row in of_it if row["timestamp"] == of_it[0]["timestamp"]]
        assert each.pop("example") in newest
        each.pop("q")
        assert each == {
            "pattern": each["pattern"],
            "count": len(of_it),
            "share": len(of_it) / len(rows),
            "levels": levels(of_it),
            "first_seen": format_time(of_it[-1]["timestamp"]),
            "last_seen": format_time(of_it[0]["timestamp"]),
            "trend": trend(of_it, range, first["by_hour"]),
            "folded": members,
        }


def test_its_query_finds_a_patterns_logs(store: Store, api: Asker) -> None:
    asked = {"start_time": format_time(NOON - 2 * DAY_US), "end_time": format_time(NOON + 2 * DAY_US)}
    patterns = api.found(PATH + "patterns", **asked)["patterns"]
    assert any(each["folded"] > 1 for each in patterns)
    for each in patterns:
        logs = api.found(PATH[:-1], q=each["q"], limit=1)
        assert logs["total"] >= each["count"]
        assert each["folded"] > 1 or logs["total"] == each["count"]


@pytest.mark.parametrize("most", [100, 17, 3])
def test_what_is_too_much_is_counted_as_far_as_it_goes(store: Store, api: Asker, most: int) -> None:
    range = Range(NOON - DAY_US - 1, NOON + DAY_US + 1)
    with patch.object(covered, "MAX_ROWS", most), patch.object(plan, "MAX_ROWS", most):
        answer = api.found(PATH + "patterns", **asking("service:api", range))
        by_hour = api.found(PATH + "patterns", **asking("", range))
    assert answer["counted"]["end"] == format_time(range.end)
    part = Range(parse_time(answer["counted"]["start"]), range.end)
    assert answer["total"] == len(found_rows(store, "logs", LANGUAGE, "service:api", part))
    read = len(found_rows(store, "logs", LANGUAGE, "", part))
    assert 0 < read <= most
    assert not by_hour["by_hour"]
    with patch.object(covered, "MAX_ROWS", most), patch.object(covered, "HOURLY_ROWS", 0):
        by_hour = api.found(PATH + "patterns", **asking("", range))
    part = Range(*(parse_time(by_hour["counted"][end]) for end in ("start", "end")))
    assert by_hour["by_hour"]
    assert part.end - part.start >= 46 * HOUR
    assert by_hour["total"] == len(found_rows(store, "logs", LANGUAGE, "", part))


def test_the_patterns_behind_the_first_are_counted(store: Store, api: Asker) -> None:
    range = Range(NOON - DAY_US, NOON + DAY_US)
    with patch.object(union, "MAX_PATTERNS", 3):
        answer = api.found(PATH + "patterns", **asking("", range))
    rows = by_pattern(found_rows(store, "logs", LANGUAGE, "", range))
    counts = sorted(map(len, rows.values()), reverse=True)
    assert [each["count"] for each in answer["patterns"]] == counts[:3]
    assert (answer["distinct"], answer["beyond"]) == (len(rows), sum(counts[3:]))


@examples(12)
@given(queries([*ATOMS, *OTHERS]), RANGES, st.one_of(st.none(), RANGES), st.booleans())
def test_changes_are_those_of_the_rows(
    store: Store, api: Asker, query: str, range: Range, other: Range | None, large: bool
) -> None:
    length = range.end - range.start
    baseline = other or Range(range.start - 1 - length, range.start - 1)
    given_baseline = {"baseline": f"{format_time(other.start)}/{format_time(other.end)}"} if other else {}
    with patch.object(covered, "HOURLY_ROWS", 0 if large else 1_000):
        answer = api.found(PATH + "changes", **asking(query, range), **given_baseline, limit=200)
    now, then = (by_pattern(found_rows(store, "logs", LANGUAGE, query, each)) for each in (range, baseline))
    longer = (length + 1) / (baseline.end - baseline.start + 1)
    both = {each: (now.get(each, []), then.get(each, [])) for each in {*now, *then}}

    def kind(count: int, before: int) -> str | None:
        expected = before * longer
        if not before:
            return "new"
        if not count:
            return "gone"
        return "up" if count >= 3 * expected else "down" if expected >= 3 * count else None

    def sizes(name: str) -> tuple[int, int]:
        return len(both[name][0]), len(both[name][1])

    order = sorted(both, key=lambda each: (kind(*sizes(each)) is None, -sum(sizes(each)), each))
    right = {}
    for text, members in fold(order):
        count, before = (sum(sizes(order[n])[side] for n in members) for side in (0, 1))
        if change := kind(count, before):
            right[text] = (change, count, before, count / (before * longer) if before else None, len(members))
    keys = ("change", "count", "baseline_count", "factor", "folded")
    assert {each["pattern"]: tuple(each[key] for key in keys) for each in answer["changes"]} == right
    assert (answer["found"], answer["distinct"]) == (len(right), len(both))
    differences = [abs(each["count"] - each["baseline_count"] * longer) for each in answer["changes"]]
    assert differences == sorted(differences, reverse=True)
    assert all(each["example"] is not None for each in answer["changes"])


def test_only_the_changes_that_are_asked_for(store: Store, api: Asker) -> None:
    range = Range(NOON + HOUR + 1, NOON + 2 * HOUR)
    kinds = {each["change"] for each in api.found(PATH + "changes", **asking("", range))["changes"]}
    assert len(kinds) > 1
    for kind in kinds:
        only = api.found(PATH + "changes", **asking("", range), change=kind)["changes"]
        assert {each["change"] for each in only} == {kind}


@pytest.mark.parametrize("baseline", ["yesterday", "2026-01-02/2026-01-01", "2026-01-01/"])
def test_a_baseline_that_is_none_is_named(api: Asker, baseline: str) -> None:
    answer = api.get(PATH + "changes", last="1h", baseline=baseline)
    assert answer.status_code == 422
    assert [each["loc"] for each in answer.json()["detail"]] == [["query", "baseline"]]


def test_hours_come_from_the_rollup_and_the_rest_through_the_key(store: Store) -> None:
    range = Range(NOON - DAY_US + 7, NOON + 7)

    async def plans(query: str, hourly: int) -> list[str]:
        reader = Explaining(store.url)
        asked = Asked(range, LANGUAGE.parse(query).tree)
        with patch.object(covered, "HOURLY_ROWS", hourly):
            await find_patterns(reader, "p", PatternsQuery(asked, "count", 50, 0))
        await reader.close()
        return reader.plans

    def count(explained: str, text: str) -> int:
        return explained.count(text)

    by_hour = asyncio.run(plans("level:error pattern:job*", 0))
    assert count(by_hour[0], "ReadFromMergeTree (volume_by_5min)") == 1
    assert sum(count(each, "ReadFromMergeTree (patterns_by_hour)") for each in by_hour) == 1
    [statement] = [each for each in by_hour if "patterns_by_hour" in each]
    assert "PrimaryKey" in statement
    for query, hourly in (("service:api", 0), ("", 1_000)):
        row_by_row = asyncio.run(plans(query, hourly))
        assert not any("patterns_by_hour" in each for each in row_by_row)
        assert "received_at" in row_by_row[-1]
