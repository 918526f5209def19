"""What a publish that is not acknowledged leaves behind: nothing for certain, but for the one batch on its way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, LeaderNotAvailableError

from shared.queue.base import GivenBack, NotStored, Published, QueueUnavailable
from shared.queue.kafka import producer as producing
from shared.queue.kafka.producer import KafkaProducer
from tests.contract.engines import kafka_options

SOON_S = 0.02


class Link:
    """A connection over which batches are `sent`, and answered when the test does."""

    def __init__(self) -> None:
        self.sent: list[asyncio.Future[Any]] = []
        self.lost = False
        cluster = SimpleNamespace(partitions_for_topic=lambda _: {0})
        self.producer = SimpleNamespace(
            client=SimpleNamespace(cluster=cluster), partitions_for=self._partitions_for, send_batch=self._send_batch
        )

    async def connected(self) -> Any:
        return self.producer

    async def _partitions_for(self, topic: str) -> set[int]:
        return {0}

    async def _send_batch(self, *_: Any, **__: Any) -> asyncio.Future[Any]:
        self.sent.append(asyncio.get_running_loop().create_future())
        return self.sent[-1]

    def start(self) -> None: ...

    def is_away(self, after_s: float) -> bool:
        return self.lost

    def replace(self, *_: Any) -> None: ...

    async def stop(self, grace_s: float) -> None: ...


@pytest.fixture
def link() -> Link:
    return Link()


@pytest.fixture(params=[60.0])
async def made(
    link: Link, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[KafkaProducer]:
    """The parameter: how long a publish may take, seconds."""
    monkeypatch.setattr(producing, "STILL_S", SOON_S)
    monkeypatch.setattr(producing, "STILL_LINGER_S", SOON_S)
    made = KafkaProducer(
        "kafka://nowhere:1", kafka_options(publish_timeout_s=request.param, linger_s=0.001, retry_s=SOON_S)
    )
    made._link = link  # type: ignore[assignment]
    await made.start()
    yield made
    for sent in link.sent:
        sent.done() or sent.set_result(SimpleNamespace(offset=0))
    await made.stop()


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - the producer tells nobody
            await asyncio.sleep(0.005)


def publish(made: KafkaProducer, n: int = 1) -> list[asyncio.Task[Published]]:
    return [asyncio.create_task(made.publish("logs", b"%d" % index)) for index in range(n)]


@pytest.mark.parametrize("made", [0.5], indirect=True)
async def test_only_what_is_on_its_way_when_the_time_is_up_is_unknown(made: KafkaProducer, link: Link) -> None:
    first = publish(made)
    await until(lambda: link.sent)
    others = publish(made, 3)
    ended = await asyncio.gather(*first, *others, return_exceptions=True)
    assert [type(each) for each in ended] == [QueueUnavailable, NotStored, NotStored, NotStored]
    link.sent[0].set_result(SimpleNamespace(offset=0))
    await until(lambda: made.in_flight_bytes == 0)
    assert len(link.sent) == 1, "what had not been sent by then never is"


async def test_while_a_lane_stands_still_what_waits_goes_in_small_batches(made: KafkaProducer, link: Link) -> None:
    tasks = publish(made)
    await until(lambda: link.sent)
    made.check()
    tasks += publish(made, 2)
    await until(lambda: made._still)
    with pytest.raises(QueueUnavailable, match="acknowledges nothing"):
        made.check()
    for _ in range(2):
        await until(lambda: not made._open)
        tasks += publish(made)
        await until(lambda: made._open)
    (waiting,) = made._waiting.values()
    assert [batch.count for batch in waiting] == [2, 1, 1]
    for n in range(4):
        await until(lambda n=n: len(link.sent) > n)  # type: ignore[misc]
        link.sent[n].set_result(SimpleNamespace(offset=n))
    await asyncio.gather(*tasks)
    made.check()
    assert not made._still


async def test_what_nobody_waits_for_any_more_is_not_sent(made: KafkaProducer, link: Link) -> None:
    first = publish(made)
    await until(lambda: link.sent)
    (gone,) = publish(made)
    await until(lambda: made._open)
    gone.cancel()
    await asyncio.wait({gone})
    link.sent[0].set_result(SimpleNamespace(offset=0))
    await asyncio.gather(*first)
    await until(lambda: made.in_flight_bytes == 0)
    assert len(link.sent) == 1


@pytest.mark.parametrize("made", [0.5], indirect=True)
async def test_after_a_loss_nothing_is_sent_before_the_leader_answers(
    made: KafkaProducer, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    led = asyncio.Event()

    async def takes_lane(*_: Any) -> None:
        if not led.is_set():
            raise LeaderNotAvailableError

    monkeypatch.setattr(producing, "takes_lane", takes_lane)
    (first,) = publish(made)
    await until(lambda: link.sent)
    link.sent[0].set_exception(KafkaConnectionError())
    (second,) = publish(made)
    ended = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(each) for each in ended] == [QueueUnavailable, NotStored]
    await until(lambda: made.in_flight_bytes == 0)
    assert len(link.sent) == 1, "aiokafka would have kept it until the leader comes back"
    led.set()
    (third,) = publish(made)
    await until(lambda: len(link.sent) > 1)
    link.sent[1].set_result(SimpleNamespace(offset=0))
    await asyncio.wait({third})
    assert not made._still


async def test_when_kafka_is_away_only_what_was_handed_over_is_waited_for(made: KafkaProducer, link: Link) -> None:
    assert not made.is_away("logs", 0.0)
    first = publish(made)
    await until(lambda: link.sent)
    await until(lambda: made.is_away("logs", SOON_S))
    assert not made.is_away("logs", 3600.0)
    others = publish(made, 3)
    await until(lambda: sum(batch.count for waiting in made._waiting.values() for batch in waiting) == 3)
    assert not made.is_away("errors", 0.0)
    made.give_back("errors")
    assert not any(task.done() for task in others)
    made.give_back("logs")
    ended = await asyncio.gather(*others, return_exceptions=True)
    assert [type(each) for each in ended] == [GivenBack] * 3
    link.sent[0].set_result(SimpleNamespace(offset=0))
    await asyncio.gather(*first)
    await until(lambda: made.in_flight_bytes == 0)
    assert len(link.sent) == 1
    assert not made.is_away("logs", 0.0)


async def test_what_waits_for_a_connection_is_given_back_too(
    made: KafkaProducer, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "connected", asyncio.Event().wait)
    waiting = publish(made, 2)
    await until(lambda: len(made._asking) == 2)
    made.give_back("logs")
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in ended] == [GivenBack] * 2
    assert made.in_flight_bytes == 0
    assert made._asking == {}


async def test_without_a_connection_it_is_away(made: KafkaProducer, link: Link) -> None:
    link.lost = True
    assert made.is_away("logs", 3600.0)
