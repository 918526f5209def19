"""What a process says about its topics when it starts, and later on; and when it refuses to start."""

import asyncio
from typing import Any

import pytest
import structlog

from shared.queue import topic_check
from shared.queue.base import QueueUnavailable, TopicState, UnfitTopic
from shared.queue.topic_check import TopicCheck, weaknesses
from shared.settings import BadSetting

WELL = TopicState(4, brokers=3, copies=3, in_sync=3, min_in_sync=2)
ALONE = WELL._replace(copies=1, min_in_sync=1)
NO_BROKER, TOO_SMALL = QueueUnavailable("no broker"), UnfitTopic("topic 'logs' takes too little")


class Fake:
    """A queue that answers what a test wants."""

    def __init__(self, missing: list[str] | Exception = (), state: TopicState = WELL) -> None:  # type: ignore[assignment]
        self.missing, self.state = missing, state

    async def check_topics(self, topics: Any) -> list[str]:
        if isinstance(self.missing, Exception):
            raise self.missing
        return list(self.missing)

    async def topic_states(self, topics: Any) -> dict[str, TopicState]:
        return {"logs": self.state}


class Silent(Fake):
    async def check_topics(self, topics: Any) -> list[str]:
        await asyncio.sleep(60)
        return []


def check_of(queue: Any, *, strict: bool = False) -> TopicCheck:
    return TopicCheck(queue, ["logs"], strict=strict)


async def said(queue: Any) -> list[tuple[str, str]]:
    with structlog.testing.capture_logs() as logs:
        await check_of(queue).at_start()
    return [(entry["log_level"], entry["error"]) for entry in logs]


async def test_a_start_says_nothing_about_topics_that_are_well_and_names_what_is_wrong() -> None:
    assert await said(Fake()) == []
    assert await said(Fake(["logs"])) == [("error", "topics are missing: logs: run `sluice migrate`")]
    ((level, sentence),) = await said(Fake(state=ALONE))
    assert (level, "1 copies on 3 brokers" in sentence) == ("error", True)


async def test_a_queue_that_is_away_does_not_keep_a_process_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await said(Fake(NO_BROKER)) == [("warning", "no broker")]
    monkeypatch.setattr(topic_check, "CHECK_S", 0.01)
    assert await said(Silent()) == [("warning", "no answer within 0.01 s")]


async def test_a_topic_that_takes_too_little_refuses_the_start() -> None:
    with pytest.raises(BadSetting, match="topic 'logs' takes"):
        await check_of(Fake(TOO_SMALL)).at_start()


@pytest.mark.parametrize("queue", [Fake(["logs"]), Fake(state=ALONE)])
async def test_a_strict_start_is_refused_for_whatever_is_wrong(queue: Fake) -> None:
    with pytest.raises(BadSetting, match=r"SLUICE_TOPICS_STRICT is set, and .*logs"):
        await check_of(queue, strict=True).at_start()
    await check_of(Fake(), strict=True).at_start()
    await check_of(Fake(NO_BROKER), strict=True).at_start()


async def test_what_becomes_wrong_later_is_said_once_and_ends_nothing() -> None:
    """Also what could not be seen at the start, because the queue was away."""
    queue = Fake(NO_BROKER)
    check = check_of(queue, strict=True)
    await check.at_start()
    with structlog.testing.capture_logs() as logs:
        for missing, state in ((TOO_SMALL, WELL), ((), ALONE), ((), ALONE), ((), WELL), ((), ALONE)):
            queue.missing, queue.state = missing, state  # type: ignore[assignment]
            await check.look()
    assert ["takes too little" in entry["error"] for entry in logs] == [True, False, False]


@pytest.mark.parametrize(
    ("state", "sentences"),
    [
        (WELL, []),
        (TopicState(1), []),
        (ALONE, ["copies on 3 brokers"]),
        (WELL._replace(min_in_sync=1), ["min.insync.replicas is 1 of 3"]),
        (WELL._replace(in_sync=1), []),
        (WELL._replace(is_unclean=True), ["unclean.leader.election.enable is on"]),
    ],
)
def test_how_a_topic_can_lose_what_was_acknowledged(state: TopicState, sentences: list[str]) -> None:
    """A copy that lags for the moment is none of it: it must not refuse a start."""
    found = list(weaknesses("logs", state))
    assert [part in sentence for part, sentence in zip(sentences, found, strict=True)] == [True] * len(found)
