"""How the findings of `sluice doctor` are judged."""

import os
from pathlib import Path

import pytest

from shared.clients.errors import ServerError, Unreachable
from shared.doctor import folders
from shared.doctor.clickhouse import judged_window, of_versions, refused
from shared.doctor.finding import Finding, of_clock, of_room, worst
from shared.doctor.queue import judged, look
from shared.queue.base import QueueFull, TopicState
from shared.queue.kafka.topic_states import forbidden
from shared.sourcemaps.settings import Sourcemaps

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
        ({"forbidden": ("read", "write")}, "failure", "may not read, write: `kafka-acls.sh --add --topic logs"),
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


def test_disks_that_are_nearly_full() -> None:
    (found,) = of_room("queue", "of folder var", 5, 100, do="prune")
    assert found == Finding("queue", "warning", "disk of folder var has 5% free: prune, or give it more room")
    assert not list(of_room("queue", "of folder var", 10, 100, do="prune"))
    assert not list(of_room("queue", "of folder var", 0, 0, do="prune"))


def test_nodes_that_run_different_versions() -> None:
    found = [Finding("clickhouse a:1", "ok", "version 26.9"), Finding("clickhouse b:1", "ok", "version 26.8")]
    (told,) = of_versions(found)
    assert "its nodes differ (a:1: version 26.9, b:1: version 26.8)" in told.sentence
    assert not list(of_versions(found[:1]))


def test_a_folder_of_source_maps_that_can_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    assert not list(folders.look(Sourcemaps(dir=tmp_path / "none")))
    assert not list(folders.look(Sourcemaps(dir=tmp_path, s3_url="https://host")))
    assert f"{tmp_path} can't be written to" in next(iter(folders.look(Sourcemaps(dir=tmp_path)))).sentence


def test_what_a_broker_says_may_be_done_with_a_topic() -> None:
    assert forbidden(1 << 3 | 1 << 4 | 1 << 8) == ()
    assert forbidden(1 << 3 | 1 << 8) == ("write",)
    assert forbidden(-(2**31)) == ()  # it does not say


def test_clocks_that_differ_and_the_worst_of_all() -> None:
    assert of_clock("postgres", 1.9).state == "ok"
    ahead, behind = of_clock("postgres", 30.0), of_clock("postgres", -30.0)
    assert "30.0 s ahead of" in ahead.sentence
    assert "30.0 s behind" in behind.sentence
    assert worst([Finding("a", "ok", ""), ahead]) == "warning"
    assert worst([ahead, Finding("a", "failure", "")]) == "failure"
    assert worst([]) == "ok"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Unreachable("refused"), "it can't be reached (refused): check SLUICE_CLICKHOUSE_URL"),
        (
            ServerError(516, "password is incorrect."),
            "password is incorrect: check user and password in SLUICE_CLICKHOUSE_URL",
        ),
        (ServerError(497, "Not enough privileges."), "run `sluice migrate`, or grant this user what it lacks"),
    ],
)
def test_a_server_that_refuses_names_what_to_look_at(error: Unreachable | ServerError, says: str) -> None:
    assert refused("clickhouse", error).sentence.endswith(says)


class Full:
    async def ping(self) -> None:
        raise QueueFull("the queue file holds 10 bytes")


async def test_a_full_queue_is_a_failure_and_not_away() -> None:
    assert await look(Full(), []) == [Finding("queue", "failure", "the queue file holds 10 bytes")]  # type: ignore[arg-type]
