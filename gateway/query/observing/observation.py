"""One look at the queue for all who ask: it costs the same however many they are."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from shared.queue.base import QueueError
from shared.tasks import end

_log = structlog.get_logger(__name__)

T = TypeVar("T")

EVERY_S = 1.0
"""Between two looks, at least."""
WITHIN_S = 5.0
"""How long a look may take."""


@dataclass(frozen=True)
class Seen(Generic[T]):
    """`found` is None while it is unknown; then `reason` is a sentence."""

    found: T | None
    reason: str = ""


class Observation(Generic[T]):
    """What was seen last.

    1. However many ask, `look` is called at most once a second, and one look is under way at a time.
    2. `now` never raises. It waits for the look under way, `wait_s` at most, and not at all while the queue is known to
       be away.
    """

    def __init__(self, look: Callable[[], Awaitable[T]], away: str, *, wait_s: float) -> None:
        """`look` may raise `QueueError`; `away` is the reason then."""
        self._look = look
        self._away = away
        self._wait_s = wait_s
        self._seen: Seen[T] = Seen(None, "the queue has not answered yet")
        self._task: asyncio.Task[None] | None = None
        self._asked_at = float("-inf")
        self._answers = True

    async def now(self) -> Seen[T]:
        """What is known. It may be a second old, and older if nobody has asked."""
        if (self._task is None or self._task.done()) and time.monotonic() >= self._asked_at + EVERY_S:
            self._asked_at = time.monotonic()
            self._task = asyncio.create_task(self._observe())
        if self._task is not None and not self._task.done() and self._answers:
            await asyncio.wait({self._task}, timeout=self._wait_s)
            self._answers = self._task.done()
        return self._seen

    async def close(self) -> None:
        if self._task is not None:
            await end(self._task)

    async def _observe(self) -> None:
        try:
            async with asyncio.timeout(WITHIN_S):
                self._seen, self._answers = Seen(await self._look()), True
        except (QueueError, TimeoutError) as error:
            if self._seen.reason != self._away:
                _log.warning(self._away, error=str(error) or f"no answer within {WITHIN_S:g} s")
            self._seen, self._answers = Seen(None, self._away), False
