"""Since when records wait in spools of gateways, outside of the queue (delivery.md, "The spool")."""

import asyncio
import time
from typing import NamedTuple

import structlog

from shared.clients.postgres import PostgresUnavailable
from shared.clock import Clock
from shared.spools import Spools
from shared.tasks import end

_log = structlog.get_logger(__name__)

EVERY_S = 1.0


class SpoolsUnknown(Exception):
    """Postgres has not yet said whether gateways have spools."""


class Spooled(NamedTuple):
    """What waits in spools, microseconds since the epoch. `since`: nothing of it was received before; None for nothing.
    `known_at`: what is answered after that may be spooled and not be known; None where no gateway has a spool."""

    since: int | None = None
    known_at: int | None = None


NONE = Spooled()


class KnownSpools:
    """Asks Postgres once a second, in the background. While it is away what it said last counts, up to then."""

    def __init__(self, spools: Spools, clock: Clock) -> None:
        self._spools = spools
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._found: Spooled | None = None

    def now(self) -> Spooled:
        """Raises `SpoolsUnknown`."""
        if self._found is None:
            raise SpoolsUnknown
        return self._found

    @property
    def age_s(self) -> float:
        """Of what waits longest; 0 for nothing."""
        since = None if self._found is None else self._found.since
        return 0.0 if since is None else max(0.0, time.time() - since / 1_000_000)

    async def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        if self._task is not None:
            await end(self._task)

    async def _watch(self) -> None:
        warned = ""
        while True:
            try:
                moment = self._clock() // 1000  # before: gateways tell before they answer
                spools, since = await self._spools.oldest()
                self._found = Spooled(since, moment if spools else None)
            except PostgresUnavailable:
                pass  # others tell
            except Exception as error:  # one odd answer must not end it
                if repr(error) != warned:
                    warned = repr(error)
                    _log.warning("since when records wait in spools is not known", error=warned)
            await asyncio.sleep(EVERY_S)
