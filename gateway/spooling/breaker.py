"""Says whether messages of a topic are given to Kafka now, or to the spool."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

import structlog

from shared.queue.base import QueueError

_log = structlog.get_logger(__name__)

AWAY_S = 2.0
"""A batch has been on its way for so long, or there is no connection: Kafka is away."""
LOOK_S = 0.25
PROBE_S = 1.0

Answers = Callable[[str], Awaitable[None]]
"""Raises `QueueError` unless the queue could take a message of a topic, in each lane."""


class Watched(Protocol):
    """What a breaker needs of Kafka's producer."""

    def is_away(self, topic: str, after_s: float) -> bool: ...

    def give_back(self, topic: str) -> None: ...


class Breaker:
    """Open while Kafka is away for a topic.

    1. When it opens, what waits for Kafka and was not handed over is given back at once.
    2. While it is open Kafka is asked once a second whether it takes messages. If so one message is let through, the
       probe: with its acknowledgement, or any other one, the breaker closes.
    3. While one lane hangs and others don't it opens and closes a few times a second: what waits for that lane is given
       back each time.
    """

    def __init__(self, topic: str, producer: Watched, answers: Answers) -> None:
        self.is_open = False
        self.may_probe = False
        """Kafka answers again."""
        self._topic = topic
        self._producer = producer
        self._answers = answers
        self._probe_at = 0.0

    def takes(self) -> bool:
        """Whether the next message is to be given to Kafka."""
        if not self.is_open:
            return True
        probe, self.may_probe = self.may_probe, False
        return probe

    def acknowledged(self) -> None:
        """Kafka has stored something."""
        if self.is_open:
            self.is_open = self.may_probe = False

    def opens(self) -> bool:
        """Whether it is open, or has to be now."""
        if not self.is_open and self._producer.is_away(self._topic, AWAY_S):
            self.is_open, self.may_probe = True, False
            self._probe_at = asyncio.get_running_loop().time() + PROBE_S
        return self.is_open

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except Exception:  # one odd answer must not end it
                _log.exception("whether Kafka is away is not known", topic=self._topic)
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Open if Kafka is away; ask it, once a second, while the breaker is open."""
        now = asyncio.get_running_loop().time()
        if self._producer.is_away(self._topic, AWAY_S):
            self.may_probe = False
            self.opens()
            self._producer.give_back(self._topic)
        elif self.is_open and now >= self._probe_at:
            self._probe_at = now + PROBE_S
            with suppress(QueueError):
                await self._answers(self._topic)
                self.may_probe = self.is_open
