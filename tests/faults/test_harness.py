"""The harness itself: its verdict can fail, and its seed replays."""

from collections.abc import Iterator
from itertools import combinations, islice
from urllib.parse import urlsplit

import pytest

from shared.clients.clickhouse import ClickHouse
from shared.registry import load
from shared.signals.base import create_table
from shared.signals.logs import LOGS as TABLE
from tests.blocks import block_of
from tests.faults.catalog import FAULTS
from tests.faults.harness import mixed
from tests.faults.row_counts import Counts, count_rows
from tests.faults.sent_records import ACKNOWLEDGED, LOGS, REFUSED, UNKNOWN, SentRecords


@pytest.mark.parametrize("queue", ["sqlite", "kafka"])
def test_a_seed_replays_the_same_schedule(queue: str) -> None:
    first, second, other = (list(islice(mixed(queue, seed), 60)) for seed in (7, 7, 8))
    assert first == second
    assert first != other
    assert {each.name for step in first for each in step.faults} <= {
        each.name for each in FAULTS.values() if queue in each.queues
    }


def test_faults_that_overlap_touch_different_things() -> None:
    steps = list(islice(mixed("kafka", 7), 200))
    assert any(len(step.faults) > 1 for step in steps)
    for step in steps:
        assert not any(one.touches & other.touches for one, other in combinations(step.faults, 2)), str(step)


def test_what_was_not_answered_is_unknown() -> None:
    sent = SentRecords("run")
    requests = sent.open("logs0", LOGS)
    turn, ids = requests.begin(3)
    assert ids == ["run-logs0-0-0", "run-logs0-0-1", "run-logs0-0-2"]
    assert sent.records(UNKNOWN) == 3
    requests.end(turn, ACKNOWLEDGED)
    assert (sent.records(UNKNOWN), sent.records(ACKNOWLEDGED)) == (0, 3)


@pytest.fixture(scope="module")
def clickhouse(clickhouse_url: str) -> Iterator[ClickHouse]:
    """A connection to a fresh database with all tables."""
    admin = ClickHouse(clickhouse_url)
    admin.query("CREATE DATABASE test_verdict")
    made = ClickHouse(urlsplit(clickhouse_url)._replace(path="/test_verdict").geturl())
    for table in load().tables:
        made.query(create_table(table, "test_verdict"))
    yield made
    made.close()
    admin.query("DROP DATABASE test_verdict SYNC")
    admin.close()


def insert(clickhouse: ClickHouse, *trace_ids: str) -> None:
    clickhouse.insert("test_verdict.logs", block_of(TABLE, {"trace_id": trace_ids}).columns)


def judged(clickhouse: ClickHouse, outcome: int, *stored: str, may_lose: tuple[str, ...] = ()) -> Counts:
    """One request of three records with that outcome, and these ids in the table."""
    clickhouse.query("TRUNCATE TABLE logs")
    insert(clickhouse, *(stored or ("another",)))
    sent = SentRecords("run")
    requests = sent.open("logs0", LOGS)
    turn, _ = requests.begin(3)
    requests.end(turn, outcome)
    requests.end(requests.begin(1)[0], ACKNOWLEDGED)
    insert(clickhouse, "run-logs0-1-0")
    return count_rows(clickhouse.query, sent, may_lose)


ALL = ("run-logs0-0-0", "run-logs0-0-1", "run-logs0-0-2")


def test_what_was_acknowledged_must_be_there_once(clickhouse: ClickHouse) -> None:
    assert judged(clickhouse, ACKNOWLEDGED, *ALL).problems() == []
    less = judged(clickhouse, ACKNOWLEDGED, *ALL[:2])
    assert (less.missing, less.rows) == (1, 3)
    more = judged(clickhouse, ACKNOWLEDGED, *ALL, ALL[1])
    assert (more.missing, more.duplicated) == (0, 1)
    assert any("doubled: run-logs0-0" in sentence for sentence in more.problems())
    hidden = judged(clickhouse, ACKNOWLEDGED, ALL[0], ALL[1], ALL[1])
    assert (hidden.missing, hidden.duplicated) == (1, 1)


def test_what_is_unknown_may_be_there_but_not_twice(clickhouse: ClickHouse) -> None:
    assert judged(clickhouse, UNKNOWN).problems() == []
    assert judged(clickhouse, UNKNOWN, ALL[1]).problems() == []
    assert judged(clickhouse, UNKNOWN, ALL[1], ALL[1]).duplicated == 1


def test_what_was_refused_or_never_sent_must_not_be_there(clickhouse: ClickHouse) -> None:
    assert judged(clickhouse, REFUSED).problems() == []
    assert judged(clickhouse, REFUSED, ALL[0]).strangers == 1
    assert judged(clickhouse, ACKNOWLEDGED, *ALL, "run-logs0-0-3").strangers > 0
    assert judged(clickhouse, ACKNOWLEDGED, *ALL, "run-logs0-7-0").strangers == 1
    assert judged(clickhouse, ACKNOWLEDGED, *ALL, "run-nobody-0-0").strangers == 1


def test_only_what_a_fault_took_may_be_missing(clickhouse: ClickHouse) -> None:
    taken = judged(clickhouse, ACKNOWLEDGED, *ALL[:2], may_lose=(ALL[2],))
    assert (taken.missing, taken.lost_by_fault, taken.problems()) == (0, 1, [])
    assert judged(clickhouse, ACKNOWLEDGED, *ALL[:2], may_lose=(ALL[1],)).missing == 1
