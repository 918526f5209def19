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


class Notes:
    """Looks once a second, and tells Postgres every few seconds, or when the spool is no longer empty, or is again.

    A message may have waited for Kafka before it was spooled: what is told is when the oldest one can have come.
    """

    def __init__(self, spool: Spool, gauges: SpoolGauges, spools: Spools, *, waited_s: float) -> None:
        """`waited_s`: the longest that a message waits for Kafka before it is spooled."""
        self._spool = spool
        self._gauges = gauges
        self._spools = spools
        self._waited_us = int(waited_s * 1_000_000)
        self._noted: SpoolState | None = None
        self._noted_at = float("-inf")
        self._away = False

    async def keep(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.look()
            except PostgresUnavailable as error:
                if not self._away:
                    _log.warning("audits and readers don't know of the spool: Postgres isn't told", error=str(error))
                self._away = True
            except (QueueError, CorruptSpool):
                pass  # the drain tells
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        state = await self._spool.state()
        age_s = 0.0 if state.oldest_ms is None else max(0.0, time.time() - state.oldest_ms / 1000)
        self._gauges.set(state.messages, state.bytes, age_s, len(self._spool.aside))
        now = time.monotonic()
        is_news = self._noted is None or (self._noted.id, self._noted.messages > 0) != (state.id, state.messages > 0)
        if is_news or now - self._noted_at >= NOTE_S:
            oldest_us = None if state.oldest_ms is None else state.oldest_ms * 1000 - self._waited_us
            await self._spools.note(state.id, str(self._spool.path), state.messages, state.bytes, oldest_us)
            self._noted, self._noted_at, self._away = state, now, False
