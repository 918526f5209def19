"""Topics as they are made: partitions by signal, copies, and what must be in sync."""

import pytest

from shared import settings
from shared.migrations.run import topic_specs
from shared.queue.base import UnfitTopic
from shared.queue.kafka.new_topics import configs_of, copies_of
from shared.registry import load

UNCLEAN = ("unclean.leader.election.enable", "false")


def made(partitions: str) -> dict[str, int]:
    topics = settings.load({"SLUICE_TOPICS_PARTITIONS": partitions}).topics
    return {spec.name: spec.partitions for spec in topic_specs(load().with_overflow, topics)}


def test_partitions_are_of_the_signal_or_those_of_all_others() -> None:
    found = made("logs:64, errors:8,2")
    assert (found["logs"], found["errors"], found["drain"], found["logs.dlq"]) == (64, 8, 2, 1)
    assert (made("logs:64")["errors"], made("8")["logs"], made("")["logs"]) == (4, 8, 4)


def test_overflow_topics_have_their_signals_number_but_not_very_many() -> None:
    found = made("logs:64,errors.overflow:9,2")
    assert (found["logs.overflow"], found["errors.overflow"], found["drain.overflow"]) == (16, 9, 2)
    assert found["logs.overflow.dlq"] == 1


@pytest.mark.parametrize("text", ["0", "logs", "logs:", "logs:0", "4;8", ":4", "-1", "4,,8"])
def test_what_is_no_number_of_partitions_is_refused_by_name(text: str) -> None:
    with pytest.raises(settings.BadSetting, match=r"SLUICE_TOPICS_PARTITIONS.*write 4, or logs:64"):
        made(text)


def test_a_signal_that_there_is_not_is_named() -> None:
    with pytest.raises(settings.BadSetting, match="there is no signal 'log'"):
        made("log:8")


@pytest.mark.parametrize(("wanted", "brokers", "copies"), [(0, 1, 1), (0, 2, 2), (0, 5, 3), (2, 5, 2), (-1, 5, -1)])
def test_copies(wanted: int, brokers: int, copies: int) -> None:
    assert copies_of(wanted, brokers) == copies


@pytest.mark.parametrize(
    ("copies", "wanted", "least"), [(1, 0, None), (2, 0, None), (3, 0, "2"), (3, 1, "1"), (-1, 0, None), (-1, 2, "2")]
)
def test_what_must_be_in_sync(copies: int, wanted: int, least: str | None) -> None:
    assert configs_of(copies, wanted) == [UNCLEAN, *([("min.insync.replicas", least)] if least else [])]


def test_more_in_sync_than_there_are_copies_is_refused() -> None:
    with pytest.raises(UnfitTopic, match="SLUICE_TOPICS_MIN_ISR=2 is more than the 1 copies"):
        configs_of(1, 2)
