"""Since when records wait in spools of gateways, outside of the queue (delivery.md, "The spool")."""

import asyncio
import time
from contextlib import suppress

import structlog

from shared.clients.postgres import PostgresUnavailable
from shared.spools import Spools

_log = structlog.get_logger(__name__)

EVERY_S = 1.0


class Spooled:
    """Asks Postgres once a second, in the background. While it is away the last answer counts."""

    def __init__(self, spools: Spools) -> None:
        self._spools = spools
        self._task: asyncio.Task[None] | None = None
        self.since: int | None = None
        """Nothing that waits was received before, microseconds since the epoch; None for nothing."""

    @property
    def age_s(self) -> float:
        """0 for nothing."""
        return 0.0 if self.since is None else max(0.0, time.time() - self.since / 1_000_000)

    async def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self) -> None:
        warned = ""
        while True:
            try:
                self.since = await self._spools.oldest_us()
            except PostgresUnavailable:
                pass  # others tell
            except Exception as error:  # one odd answer must not end it
                if repr(error) != warned:
                    warned = repr(error)
                    _log.warning("since when records wait in spools is not known", error=warned)
            await asyncio.sleep(EVERY_S)
