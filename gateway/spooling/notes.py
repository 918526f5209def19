"""Tells how much is in a gateway's spool: Prometheus, and, by way of Postgres, audits and readers."""

import asyncio
import time

import structlog

from shared.clients.postgres import PostgresUnavailable
from shared.metrics import SpoolGauges
from shared.queue.base import QueueError
from shared.queue.spool.file import Spool
from shared.queue.spool.rows import CorruptSpool, SpoolState
from shared.spools import Spools

_log = structlog.get_logger(__name__)

LOOK_S = 1.0
NOTE_S = 5.0
TELL_S = 1.0
"""For so long a request, or the end of a process, waits for Postgres."""


class Notes:
    """Looks once a second, and tells Postgres every few seconds, or when the spool is no longer empty, or is again.

    1. Who spools the first message is answered when Postgres knows that there is one, or can't be told.
    2. A message may have waited, for Kafka and for the disk, before it was spooled: what is told is when the oldest one
       can have come.
    """

    def __init__(self, spool: Spool, gauges: SpoolGauges, spools: Spools, *, waited_s: float) -> None:
        """`waited_s`: the longest that a message waits before it is in the spool."""
        self._spool = spool
        self._gauges = gauges
        self._spools = spools
        self._waited_us = int(waited_s * 1_000_000)
        self._noted: SpoolState | None = None
        self._noted_at = float("-inf")
        self._away = False
        self._looking = asyncio.Lock()  # what is told last is what was seen last
        self._telling: asyncio.Task[None] | None = None

    async def keep(self) -> None:
        """Until cancelled."""
        while True:
            await self._look_once()
            await asyncio.sleep(LOOK_S)

    async def told(self) -> None:
        """Wait until Postgres knows that there is something in the spool, or can't be told, for a second at most."""
        if self._away or (self._noted is not None and self._noted.messages):
            return
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._look_once())
        if not (await asyncio.wait({self._telling}, timeout=TELL_S))[0]:
            self._is_away("no answer")

    async def close(self) -> None:
        """Tell what is left, for others to know, for a second at most."""
        self._noted = None
        last = asyncio.create_task(self._look_once())
        telling = {last} | ({self._telling} if self._telling else set())
        for task in (await asyncio.wait(telling, timeout=TELL_S))[1]:
            task.cancel()

    async def _look_once(self) -> None:
        try:
            await self.look()
        except PostgresUnavailable as error:
            self._is_away(str(error))
        except (QueueError, CorruptSpool):
            pass  # the drain tells
        except Exception as error:  # one odd answer must not end it
            self._is_away(repr(error))

    def _is_away(self, error: str) -> None:
        if not self._away:
            _log.warning("audits and readers don't know of the spool: Postgres isn't told", error=error)
        self._away = True

    async def look(self) -> None:
        async with self._looking:
            await self._look()

    async def _look(self) -> None:
        state = await self._spool.state()
        age_s = 0.0 if state.oldest_ms is None else max(0.0, time.time() - state.oldest_ms / 1000)
        self._gauges.set(state.messages, state.bytes, self._spool.fullness(state), age_s, len(self._spool.aside))
        now = time.monotonic()
        is_news = self._noted is None or (self._noted.id, self._noted.messages > 0) != (state.id, state.messages > 0)
        if is_news or now - self._noted_at >= NOTE_S:
            if not state.messages:
                self._noted = None  # what is spooled from here on is told at once
            oldest_us = None if state.oldest_ms is None else state.oldest_ms * 1000 - self._waited_us
            await self._spools.note(state.id, str(self._spool.path), state.messages, state.bytes, oldest_us)
            self._noted, self._noted_at, self._away = state, now, False
