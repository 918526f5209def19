"""Says whether messages are given to Kafka now, or to the spool."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

import structlog

from gateway.spooling.transitions import Transitions
from shared.queue.base import QueueError

_log = structlog.get_logger(__name__)

AWAY_S = 2.0
"""A batch has been on its way for so long, or there is no connection: Kafka is away."""
LOOK_S = 0.25
PROBE_S = 1.0


class Watched(Protocol):
    """What the breaker needs of Kafka's producer."""

    def is_away(self, after_s: float) -> bool: ...

    def give_back(self) -> None: ...


class Breaker:
    """Open while Kafka is away.

    1. When it opens, what waits for Kafka and was not handed over is given back at once.
    2. While it is open Kafka is asked once a second whether it takes messages. If so one message is let through, the
       probe: with its acknowledgement, or any other one, the breaker closes.
    3. While one lane hangs and others don't it opens and closes a few times a second: what waits for that lane is given
       back each time.
    """

    def __init__(self, producer: Watched, answers: Callable[[], Awaitable[None]]) -> None:
        """`answers` raises `QueueError` unless the queue could take a message."""
        self.is_open = False
        self.may_probe = False
        """Kafka answers again."""
        self._producer = producer
        self._answers = answers
        self._probe_at = 0.0
        self._told = Transitions("Kafka is away: what comes is spooled", "Kafka takes messages again")
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

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
        if not self.is_open and self._producer.is_away(AWAY_S):
            self.is_open, self.may_probe = True, False
            self._probe_at = asyncio.get_running_loop().time() + PROBE_S
        return self.is_open

    async def _watch(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:  # one odd answer must not end it
                _log.exception("whether Kafka is away is not known")
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Open if Kafka is away; ask it, once a second, while the breaker is open."""
        now = asyncio.get_running_loop().time()
        if self._producer.is_away(AWAY_S):
            self.may_probe = False
            self.opens()
            self._producer.give_back()
        elif self.is_open and now >= self._probe_at:
            self._probe_at = now + PROBE_S
            with suppress(QueueError):
                await self._answers()
                self.may_probe = self.is_open
        self._told.look(self.is_open)
