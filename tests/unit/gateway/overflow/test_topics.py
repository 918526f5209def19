"""Overflow topics are used while writers read them, and no longer."""

from collections.abc import Iterable
from typing import Any, cast

from structlog.testing import capture_logs

from gateway.overflow import Overflow
from gateway.overflow.topics import OverflowTopics
from gateway.publisher import Publisher
from gateway.validation.parts import Part
from shared.keys import ResolvedKey
from shared.metrics import Metrics
from shared.queue.base import Lane, Published, QueueError
from shared.registry import load

REGISTRY = load(topic_prefix="my.")
KEY = ResolvedKey(key_id="k", project_id="p", scopes=frozenset())
LOGS = Part(REGISTRY.formats["deeptracer.logs"], b'[{"level":"info","message":"m"}]', 1)


class Queue:
    """A queue that knows topics and members, and takes messages."""

    def __init__(self) -> None:
        self.topics = {signal.topic for signal in REGISTRY.with_overflow}
        self.groups: dict[str, int] = {}
        self.closed = False
        self.published: list[str] = []

    async def lanes(self, topics: Iterable[str]) -> list[Lane]:
        return [Lane(topic, 0) for topic in topics if topic in self.topics]

    async def members(self, group: str, topic: str) -> int:
        if self.closed:
            raise QueueError("GroupAuthorizationFailed")
        return self.groups.get(group, 0)

    async def publish(self, topic: str, value: bytes, key: bytes | None = None) -> Published:
        self.published.append(topic)
        return Published(Lane(topic, 0), 0)


def of(queue: Queue, group: str = "w.{signal}") -> OverflowTopics:
    return OverflowTopics(cast(Any, queue), REGISTRY.groups(group), REGISTRY)


async def test_a_topic_is_used_from_the_look_that_found_its_writers() -> None:
    queue = Queue()
    topics = of(queue)
    assert topics.of_formats["deeptracer.logs"] == "my.logs"
    with capture_logs() as captured:
        await topics.look()
        await topics.look()
    assert topics.of_formats["deeptracer.logs"] == "my.logs"
    assert [len(line["topics"]) for line in captured] == [len(REGISTRY.signals)], "said once"
    queue.groups["w.logs.overflow"] = 1
    await topics.look()
    assert topics.of_formats["deeptracer.logs"] == "my.logs.overflow"
    assert topics.of_formats["deeptracer.errors"] == "my.errors", "these have none"
    queue.groups.clear()
    await topics.look()
    assert topics.of_formats["deeptracer.logs"] == "my.logs"


async def test_a_topic_that_is_missing_is_not_used() -> None:
    queue = Queue()
    queue.topics.discard("my.logs.overflow")
    queue.groups["w.overflow"] = 1
    topics = of(queue, "w")
    await topics.look()
    assert topics.of_formats["deeptracer.logs"] == "my.logs"
    assert topics.of_formats["deeptracer.errors"] == "my.errors.overflow"


async def test_groups_that_may_not_be_seen_have_no_members() -> None:
    queue = Queue()
    queue.groups["w.overflow"], queue.closed = 1, True
    topics = of(queue, "w")
    with capture_logs() as captured:
        await topics.look()
        await topics.look()
    assert topics.of_formats["deeptracer.logs"] == "my.logs"
    assert [line["log_level"] for line in captured] == ["warning"]
    assert "GroupAuthorizationFailed" in captured[0]["error"]


class Over:
    """Shares of which project `p` is over."""

    def is_over(self, key: ResolvedKey, n: int) -> bool:
        return n > 0 and key.project_id == "p"


async def test_messages_of_a_project_that_is_over_take_it_and_are_counted() -> None:
    queue, metrics = Queue(), Metrics()
    queue.groups["w.logs.overflow"] = 1
    topics = of(queue)
    await topics.look()
    publisher = Publisher(cast(Any, queue), REGISTRY, metrics, overflow=Overflow(cast(Any, Over()), topics))
    other = ResolvedKey(key_id="k", project_id="q", scopes=frozenset())
    await publisher.publish([LOGS], KEY, 1_700_000_000_000_000)
    await publisher.publish([LOGS], other, 1_700_000_000_000_000)
    assert queue.published == ["my.logs.overflow", "my.logs"]
    assert metrics.registry.get_sample_value("sluice_overflow_records_total", {"signal": "logs"}) == 1
