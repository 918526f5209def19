"""Retries: calls to neighbours are tried for as long as it takes, visibly (delivery.md, "Waiting and trying again")."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from shared.clients.clickhouse import ClickHouseError, ServerError
from shared.metrics import Metrics
from shared.queue.base import QueueUnavailable
from writer.dead_letters import LetterTooLarge
from writer.failures import Backoff
from writer.rules_book import RulesUnavailable
from writer.tables import MissingTable, UnfitTable

T = TypeVar("T")

_LOG_EVERY_S = 60.0
RETRIABLE = (QueueUnavailable, ClickHouseError, MissingTable, UnfitTable, LetterTooLarge, RulesUnavailable)
"""Errors that pass by themselves, or when a person acts."""


class Stopped(Exception):
    """The writer is stopping, and nothing is left that must be finished."""


@dataclass
class Wait:
    """Why a lane waits. Times are monotonic seconds."""

    since: float
    logged_at: float
    tries: int = 0
    detail: str = ""


class Waiting:
    """One lane's waits, shown in `waits` (by what it waits for), a metric and the log. They hold no thread."""

    def __init__(self, logger: Any, metrics: Metrics, *, max_s: float) -> None:
        self.waits: dict[str, Wait] = {}
        self.stopping = asyncio.Event()
        self._log = logger
        self._metrics = metrics
        self.max_s = max_s

    async def until_done(self, what: str, call: Callable[[], Awaitable[T]], *, stoppable: bool = False) -> T:
        """The call's result, after as many tries as it takes. Raises `Stopped` if `stoppable` and the writer stops."""
        backoff = Backoff(self.max_s)
        while True:
            try:
                result = await call()
            except RETRIABLE as error:
                await self.pause(what, error, backoff, stoppable=stoppable)
            else:
                self.over(what)
                return result

    async def pause(self, what: str, error: Exception, backoff: Backoff, *, stoppable: bool = False) -> None:
        """Wait before one more try. Raises `Stopped` if `stoppable` and the writer stops."""
        delay_s = backoff.next_s()
        self._tell(what, reason_of(error), str(error), backoff.tries)
        if not stoppable:
            await asyncio.sleep(delay_s)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), delay_s)
            raise Stopped

    async def for_ever(self, what: str, reason: str, detail: str) -> NoReturn:
        """Wait for a person: this process can't help itself. Raises `Stopped` when the writer stops."""
        tries = 0
        while True:
            tries += 1
            self._tell(what, reason, detail, tries)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), self.max_s)
                raise Stopped

    def over(self, what: str) -> None:
        """End a wait: the call has succeeded."""
        if waited := self.waits.pop(what, None):
            self._log.info("goes on", what=what, tries=waited.tries, waited_s=_seconds_since(waited.since))

    def _tell(self, what: str, reason: str, detail: str, tries: int) -> None:
        now = time.monotonic()
        wait = self.waits.setdefault(what, Wait(since=now, logged_at=now))
        wait.tries, wait.detail = tries, detail
        self._metrics.retries.labels(what, reason).inc()
        if tries == 1 or now - wait.logged_at > _LOG_EVERY_S:
            wait.logged_at = now
            self._log.warning("waits", what=what, error=detail, tries=tries, since_s=_seconds_since(wait.since))


def reason_of(error: Exception) -> str:
    """A short name of an error, for a metric's label."""
    return f"clickhouse_{error.code}" if isinstance(error, ServerError) else type(error).__name__


def _seconds_since(since: float) -> float:
    return round(time.monotonic() - since, 1)
