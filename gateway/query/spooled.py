"""Since when records wait in spools of gateways, outside of the queue (delivery.md, "The spool")."""

import asyncio
from contextlib import suppress

from shared.clients.postgres import PostgresUnavailable
from shared.spools import Spools

EVERY_S = 1.0


class Spooled:
    """Asks Postgres once a second, in the background. While it is away the last answer counts."""

    def __init__(self, spools: Spools) -> None:
        self._spools = spools
        self._task: asyncio.Task[None] | None = None
        self.since: int | None = None
        """Nothing that waits was received before, microseconds since the epoch; None for nothing."""

    async def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self) -> None:
        while True:
            with suppress(PostgresUnavailable):
                self.since = await self._spools.oldest_us()
            await asyncio.sleep(EVERY_S)
