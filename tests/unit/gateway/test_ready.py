"""Ready means that a request would be taken now, not that somebody answers (kind: a check that asks less than a
request does)."""

from collections.abc import Iterable

import pytest

from gateway import publisher as publishing
from gateway.health import Check, Readiness, TakesMessages
from gateway.publisher import Publisher
from gateway.rejections import Unavailable
from gateway.validation.parts import Part
from shared.keys import ResolvedKey
from shared.metrics import Metrics
from shared.queue.base import Lane, Published, QueueUnavailable
from shared.registry import load

REGISTRY = load()
KEY = ResolvedKey(key_id="k", project_id="p", scopes=frozenset({"ingest"}))
LOGS = Part(REGISTRY.formats["deeptracer.logs"], b'[{"level":"info","message":"m"}]', 1)


class Broker:
    """Answers every question, and refuses messages as long as the test says."""

    def __init__(self) -> None:
        self.refuses = self.is_silent = False
        self.topics = ["logs"]

    async def publish(self, topic: str, value: bytes, key: bytes | None = None) -> Published:
        if self.refuses:
            raise QueueUnavailable("not enough replicas")
        return Published(Lane(topic, 0), 0)

    def check(self) -> None:
        if self.is_silent:
            raise QueueUnavailable("nothing is acknowledged")

    async def ping(self, topics: Iterable[str]) -> None:
        if missing := set(topics) - set(self.topics):
            raise QueueUnavailable(f"there is no topic {min(missing)}")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(publishing, "perf_counter", made)
    return made


async def test_a_failed_publish_counts_until_one_is_stored_or_it_is_long_ago(clock: Clock) -> None:
    broker = Broker()
    publisher = Publisher(broker, REGISTRY, Metrics())  # type: ignore[arg-type]
    check = TakesMessages(broker, ["logs"], publisher)  # type: ignore[arg-type]
    await check()
    broker.refuses = True
    with pytest.raises(Unavailable):
        await publisher.publish([LOGS], KEY, 1)
    with pytest.raises(QueueUnavailable, match="last publish"):
        await check()
    clock.now += 1
    broker.refuses = False
    await publisher.publish([LOGS], KEY, 1)
    await check()
    broker.refuses = True
    with pytest.raises(Unavailable):
        await publisher.publish([LOGS], KEY, 1)
    broker.is_silent = True
    with pytest.raises(QueueUnavailable, match="nothing is acknowledged"):
        await check()
    broker.is_silent = False
    clock.now += publishing.FAILING_S + 1
    await check()  # requests must come again, to show whether it still fails


async def test_a_queue_without_the_topics_takes_nothing() -> None:
    broker = Broker()
    publisher = Publisher(broker, REGISTRY, Metrics())  # type: ignore[arg-type]
    check = TakesMessages(broker, ["errors", "logs"], publisher)  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(QueueUnavailable, match="no topic errors"):
            await check()
    broker.topics.append("errors")
    await check()


async def up() -> None: ...


async def down() -> None:
    raise QueueUnavailable("away")


@pytest.mark.parametrize(
    ("queue", "spool", "status"),
    [
        (up, up, (200, "ok")),
        (down, up, (200, "degraded")),
        (up, down, (200, "degraded")),
        (down, down, (503, "unavailable")),
    ],
)
async def test_with_a_spool_it_is_ready_while_one_of_both_takes_messages(
    queue: Check, spool: Check, status: tuple[int, str]
) -> None:
    ready = Readiness({"queue": queue, "spool": spool, "redis": up}, lambda: [frozenset({"queue", "spool"})])
    code, body = await ready.ask()
    assert (code, body["status"]) == status
