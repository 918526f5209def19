"""How the findings of `sluice doctor` are judged."""

import pytest

from shared.doctor.clickhouse import judged_window
from shared.doctor.finding import Finding, of_clock, worst
from shared.doctor.queue import judged
from shared.queue.base import TopicState

GOOD = TopicState(4, brokers=3, copies=3, in_sync=3, min_in_sync=2)


@pytest.mark.parametrize(
    ("changes", "state", "says"),
    [
        ({"without_leader": 2}, "failure", "2 partitions lack a leader"),
        ({"in_sync": 1}, "failure", "nothing can be written"),
        ({"in_sync": 2}, "warning", "2 of 3 copies in sync"),
        ({"copies": 1, "in_sync": 1, "min_in_sync": 1}, "warning", "1 copies on 3 brokers"),
        ({"min_in_sync": 1}, "warning", "one broker may acknowledge alone"),
        ({"is_unclean": True}, "warning", "a copy that lags may become the leader"),
    ],
)
def test_a_topic_that_is_not_kept_well(changes: dict[str, int], state: str, says: str) -> None:
    (found,) = judged("logs", GOOD._replace(**changes), is_of_letters=False)
    assert found.state == state
    assert says in found.sentence


def test_a_topic_that_is_kept_well_and_one_on_a_single_broker() -> None:
    assert not list(judged("logs", GOOD, is_of_letters=False))
    assert not list(judged("logs", TopicState(4), is_of_letters=False))
    assert not list(judged("logs.dlq", TopicState(1), is_of_letters=True))


def test_letters_in_two_partitions() -> None:
    (found,) = judged("logs.dlq", TopicState(2), is_of_letters=True)
    assert "it must have one" in found.sentence


def test_a_window_that_is_too_small_for_the_lanes() -> None:
    window = {"non_replicated_deduplication_window": "10000"}
    (found,) = judged_window("clickhouse", "logs", window, 14_800)
    assert "logs remembers 10,000 blocks, and 14,800 may come" in found.sentence
    assert found.state == "warning"
    assert not list(judged_window("clickhouse", "logs", window, 10_000))


def test_clocks_that_differ_and_the_worst_of_all() -> None:
    assert of_clock("postgres", 1.9).state == "ok"
    ahead, behind = of_clock("postgres", 30.0), of_clock("postgres", -30.0)
    assert "30.0 s ahead of" in ahead.sentence
    assert "30.0 s behind" in behind.sentence
    assert worst([Finding("a", "ok", ""), ahead]) == "warning"
    assert worst([ahead, Finding("a", "failure", "")]) == "failure"
    assert worst([]) == "ok"
