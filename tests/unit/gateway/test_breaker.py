"""When Kafka is given messages, when the spool is, and what is never given to both."""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from gateway.spooling import breaker as module
from gateway.spooling import transitions
from gateway.spooling.breakers import Breakers
from gateway.spooling.producer import SpoolingProducer
from shared.queue.base import GivenBack, Lane, NotStored, Published, QueueError, QueueFull, QueueUnavailable

VALUE = b"message"


class Kafka:
    """A producer whose publishes end as the test says."""

    def __init__(self) -> None:
        self.away = self.answers = False
        self.given_back = 0
        self.outcome: Callable[[], QueueError | None] = lambda: None
        self.got: list[bytes] = []

    def is_away(self, topic: str, after_s: float) -> bool:
        return topic == "logs" and self.away

    def give_back(self, topic: str) -> None:
        self.given_back += 1

    async def ping(self, topic: str) -> None:
        if not self.answers:
            raise QueueUnavailable("no leader")

    async def publish(self, topic: str, value: bytes, key: bytes | None = None) -> Published:
        self.got.append(value)
        if error := self.outcome():
            raise error
        return Published(Lane(topic, 0), 0)


class Spool:
    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.is_full = False

    async def publish(self, topic: str, value: bytes, key: bytes | None = None) -> Published:
        if self.is_full:
            raise QueueFull("it is full")
        self.got.append(value)
        return Published(Lane(topic, 0), 0, spooled=True)


class Stage:
    def __init__(self) -> None:
        self.kafka, self.spool, self.told = Kafka(), Spool(), 0
        self.breakers = Breakers(self.kafka, ["logs"], self.kafka.ping)
        self.breaker = self.breakers.of("logs")
        self.producer = SpoolingProducer(self.kafka, self.spool, self.breakers, self.tell)  # type: ignore[arg-type]

    async def tell(self) -> None:
        self.told = len(self.spool.got)

    async def spools(self, topic: str = "logs") -> bool:
        return (await self.producer.publish(topic, VALUE)).spooled

    async def opened(self) -> None:
        self.kafka.away = True
        await self.breaker.look()
        assert self.breaker.is_open


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(module, "PROBE_S", 0.0)
    return Stage()


async def test_messages_go_to_the_spool_from_when_kafka_is_away_until_it_acknowledges_one(stage: Stage) -> None:
    await stage.breaker.look()
    assert not await stage.spools()
    await stage.opened()
    assert stage.kafka.given_back == 1
    assert await stage.spools()
    stage.kafka.away = False
    await stage.breaker.look()
    assert await stage.spools(), "it does not answer yet"
    stage.kafka.answers = True
    await stage.breaker.look()
    assert not await stage.spools()
    assert not await stage.spools()
    assert not stage.breaker.is_open


async def test_one_message_at_a_time_is_the_probe_and_is_spooled_if_it_was_not_stored(stage: Stage) -> None:
    await stage.opened()
    stage.kafka.away, stage.kafka.answers = False, True
    await stage.breaker.look()
    stage.kafka.outcome = lambda: NotStored("not sent")
    assert await stage.spools()
    assert await stage.spools()
    assert len(stage.kafka.got) == 1
    assert stage.breaker.is_open


async def test_what_was_given_back_is_spooled_also_if_the_breaker_has_closed_since(stage: Stage) -> None:
    stage.kafka.outcome = lambda: GivenBack("another lane hangs")
    assert await stage.spools()
    assert not stage.breaker.is_open
    assert stage.told == 1


async def test_what_finds_no_connection_before_the_breaker_has_looked_is_spooled(stage: Stage) -> None:
    stage.kafka.away = True
    stage.kafka.outcome = lambda: NotStored("no connection")
    assert await stage.spools()
    assert stage.breaker.is_open
    assert await stage.spools()
    assert len(stage.kafka.got) == 1


async def test_a_breaker_that_flaps_says_so_once_and_what_it_is_in_the_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(transitions, "time", SimpleNamespace(monotonic=lambda: now))
    stage.kafka.away = True
    with capture_logs() as logged:
        for _ in range(100):  # one lane hangs, another one is acknowledged
            await stage.breaker.look()
            stage.breakers.tell()
            assert stage.breaker.is_open
            stage.breaker.acknowledged()
            now += 0.25
        stage.breakers.tell()
    assert [each["event"] for each in logged] == [
        "Kafka is away: what comes is spooled",
        "Kafka takes messages again",
    ]


async def test_a_topic_that_kafka_does_not_take_keeps_no_other_one_from_it(stage: Stage) -> None:
    await stage.opened()
    assert await stage.spools()
    assert not await stage.spools("errors")
    assert stage.breakers.open == ["logs"]
    assert not stage.breakers.may_drain
    stage.kafka.away, stage.kafka.answers = False, True
    await stage.breaker.look()
    assert stage.breakers.may_drain
    stage.breakers.drained()
    assert stage.breakers.open == []
    await stage.breakers.close()


async def test_a_spool_that_refuses_says_so_once_and_when_it_takes_messages_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transitions, "APART_S", 0.0)
    await stage.opened()
    with capture_logs() as logged:
        for stage.spool.is_full in (True, False):
            for _ in range(3):
                with nullcontext() if not stage.spool.is_full else pytest.raises(QueueFull):
                    await stage.spools()
    assert [(each["log_level"], each["event"], each.get("error")) for each in logged] == [
        ("error", "the spool takes no messages: requests get 503", "it is full"),
        ("warning", "the spool takes messages again", None),
    ]


async def test_it_goes_on_watching_after_an_error_that_nobody_foresaw(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.001)
    looks, again = 0, asyncio.Event()

    def odd(topic: str, after_s: float) -> bool:
        nonlocal looks
        looks += 1
        if looks > 1:
            again.set()
        raise RuntimeError("odd")

    monkeypatch.setattr(stage.kafka, "is_away", odd)
    with capture_logs():
        await stage.breakers.start()
        await asyncio.wait_for(again.wait(), 30)
        await stage.breakers.close()


@pytest.mark.parametrize("outcome", [QueueUnavailable, QueueFull, NotStored])
async def test_what_may_be_in_kafka_and_what_is_refused_while_it_is_there_is_never_spooled(
    stage: Stage, outcome: type[QueueError]
) -> None:
    stage.kafka.outcome = lambda: outcome("no")
    with pytest.raises(outcome):
        await stage.spools()
    assert stage.spool.got == []


async def test_an_unknown_outcome_is_not_spooled_while_the_breaker_is_open_either(stage: Stage) -> None:
    await stage.opened()
    stage.kafka.away, stage.kafka.answers = False, True
    await stage.breaker.look()
    stage.kafka.outcome = lambda: QueueUnavailable("no answer")
    with pytest.raises(QueueUnavailable):
        await stage.spools()
    assert stage.spool.got == []


async def test_an_acknowledgement_of_something_else_closes_it_too(stage: Stage) -> None:
    await stage.opened()
    stage.breaker.acknowledged()
    stage.kafka.away = False
    await stage.breaker.look()
    assert not await stage.spools()
