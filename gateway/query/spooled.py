"""Since when records wait in spools of gateways, outside of the queue (delivery.md, "The spool")."""

import time
from contextlib import suppress
from typing import NamedTuple

from shared.clients.postgres import PostgresUnavailable
from shared.clock import Clock
from shared.queue.watch import Watch
from shared.spools import Spools

EVERY_S = 1.0


class SpoolsUnknown(Exception):
    """Postgres has not yet said whether gateways have spools."""


class Spooled(NamedTuple):
    """What waits in spools, microseconds since the epoch. `since`: nothing of it was received before; None for nothing.
    `known_at`: what is answered after that may be spooled and not be known; None where no gateway has a spool."""

    since: int | None = None
    known_at: int | None = None


NONE = Spooled()


class KnownSpools(Watch):
    """Asks Postgres once a second, in the background. While it is away what it said last counts, up to then."""

    def __init__(self, spools: Spools, clock: Clock) -> None:
        super().__init__(self._ask, every_s=EVERY_S, failed="since when records wait in spools is not known")
        self._spools = spools
        self._clock = clock
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

    async def _ask(self) -> None:
        moment = self._clock() // 1000  # before: gateways tell before they answer
        with suppress(PostgresUnavailable):  # others tell
            spools, since = await self._spools.oldest()
            self._found = Spooled(since, moment if spools else None)
