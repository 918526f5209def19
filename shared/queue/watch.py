"""Looks at the queue while a process runs: warns of scarce room."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog

from shared.metrics import Metrics
from shared.queue.base import Queue, QueueUnavailable
from shared.tasks import end

_log = structlog.get_logger(__name__)

LOOK_EVERY_S = 60.0
ALARMING = 0.8
"""The share of a limit above which a warning is logged ..."""
SAY_AGAIN_S = 3600.0
"""... and how often, seconds."""


class Alarm:
    """Logs, and not too often, that something nears its limit."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence
        self._say_from = 0.0

    def look(self, share: float, now: float) -> None:
        """`share` of the limit is used at `now`, monotonic seconds."""
        if share < ALARMING:
            self._say_from = now
        elif now >= self._say_from:
            self._say_from = now + SAY_AGAIN_S
            _log.warning(self._sentence, percent=round(100 * share))


def fullness(queue: Queue, metrics: Metrics) -> Callable[[], Awaitable[None]]:
    """A look at how much of the queue's room is taken, for the process that takes messages in."""
    alarm = Alarm(
        "the queue is nearly full, then ingest answers 503: start or repair the writers, or raise"
        " SLUICE_TOPICS_MAX_BYTES"
    )

    async def look() -> None:
        share = await queue.fullness()
        metrics.queue_fullness.set(share)
        alarm.look(share, time.monotonic())

    return look


def letters(queue: Queue, topics: Sequence[str], limit: int, metrics: Metrics) -> Callable[[], Awaitable[None]]:
    """A look at how much room the topics of dead letters take, for the process that writes them."""
    alarm = Alarm(
        "dead letters near SLUICE_TOPICS_DEAD_LETTER_BYTES: see `sluice dlq list`, then redrive or purge them"
    )

    async def look() -> None:
        sizes = await queue.sizes(topics)
        for topic, size in sizes.items():
            metrics.dead_letter_bytes.labels(topic).set(size)
        alarm.look(sum(sizes.values()) / limit, time.monotonic())

    return look


class Watch:
    """Takes a look every minute, from `start` to `close`. A queue that can't answer is looked at again later."""

    def __init__(
        self,
        look: Callable[[], Awaitable[None]],
        *,
        every_s: float = LOOK_EVERY_S,
        failed: str = "the queue can't be watched",
    ) -> None:
        """`failed`: what the log says of an error that nobody foresaw."""
        self._look = look
        self._every_s = every_s
        self._failed = failed
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            await end(self._task)

    async def _run(self) -> None:
        warned = ""
        while True:
            try:
                await self._look()
            except QueueUnavailable:
                pass  # producer or consumer log it
            except Exception as error:  # one odd answer must not end the alarm
                if repr(error) != warned:
                    warned = repr(error)
                    _log.warning(self._failed, error=warned)
            await asyncio.sleep(self._every_s)
