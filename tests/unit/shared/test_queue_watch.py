"""What a process says about the queue when room gets scarce."""

import asyncio
from typing import Any

import structlog

from shared.metrics import Metrics
from shared.queue import watch
from shared.queue.base import QueueError, QueueUnavailable


class Fake:
    """A queue that answers what a test wants."""

    def __init__(self, share: float = 0.0, sizes: Any = None) -> None:
        self.share, self.size = share, sizes or {}

    async def fullness(self) -> float:
        return self.share

    async def sizes(self, topics: Any) -> dict[str, int]:
        if isinstance(self.size, Exception):
            raise self.size
        return {topic: self.size[topic] for topic in topics}


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


async def test_the_queues_fullness_is_a_gauge() -> None:
    metrics = Metrics()
    await watch.fullness(Fake(share=0.3), metrics)()  # type: ignore[arg-type]
    assert value(metrics, "sluice_queue_fullness") == 0.3


async def test_the_bytes_of_dead_letters_are_a_gauge_and_alarm_together() -> None:
    metrics = Metrics()
    look = watch.letters(Fake(sizes={"a.dlq": 500, "b.dlq": 400}), ["a.dlq", "b.dlq"], 1000, metrics)  # type: ignore[arg-type]
    with structlog.testing.capture_logs() as logs:
        await look()
    assert value(metrics, "sluice_dead_letter_bytes", topic="a.dlq") == 500
    assert [(entry["percent"], "sluice dlq" in entry["event"]) for entry in logs] == [(90, True)]


def test_an_alarm_is_repeated_every_hour_and_at_once_when_it_comes_back() -> None:
    alarm = watch.Alarm("nearly full")
    looks = [(0.79, 0), (0.8, 60), (0.9, 120), (0.9, 3659), (0.9, 3660), (0.5, 3720), (0.8, 3780)]
    said = []
    for share, now in looks:
        with structlog.testing.capture_logs() as logs:
            alarm.look(share, now)
        said.append(bool(logs))
    assert said == [False, True, False, False, True, False, True]


async def test_a_watch_goes_on_after_an_answer_that_it_can_not_use_and_says_so_once() -> None:
    errors = iter([QueueUnavailable("away"), *[QueueError("no right to")] * 2])
    last = asyncio.Event()

    async def look() -> None:
        if error := next(errors, None):
            raise error
        last.set()

    each_minute = watch.Watch(look, every_s=0.001)
    with structlog.testing.capture_logs() as logs:
        await each_minute.start()
        await last.wait()
        await each_minute.close()
    assert [entry["error"] for entry in logs] == ["QueueError('no right to')"]
