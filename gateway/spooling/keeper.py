"""Keeps a gateway's spool: drains it when Kafka is back, and tells how much is in it."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import structlog

from gateway.spooling.breakers import Breakers
from gateway.spooling.notes import Notes
from shared.queue.base import QueueError, QueueUnavailable, TopicSpec
from shared.queue.kafka.transactions import TIMEOUT_S
from shared.queue.spool.drain import Drain
from shared.queue.spool.file import Spool, SpoolInUse
from shared.queue.spool.rows import CorruptSpool
from shared.settings import BadSetting
from shared.tasks import end

_log = structlog.get_logger(__name__)

LOOK_S = 1.0
AGAIN_S, AT_MOST_S = 5.0, 60.0
"""After a drain that failed, twice as long after each further one: meanwhile nothing of it is in anybody's way."""


class Keeper:
    """One gateway's spool, from its start to its end."""

    def __init__(self, spool: Spool, specs: Iterable[TopicSpec], drain: Drain, breakers: Breakers, notes: Notes):
        self._spool = spool
        self._specs = list(specs)
        self._drain = drain
        self._breakers = breakers
        self._notes = notes
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Before the process serves: raises `BadSetting` where the spool can't be used."""
        try:
            try:
                await self._spool.open(self._specs)
            except CorruptSpool as error:
                await self._spool.put_aside(error)
        except (SpoolInUse, QueueUnavailable) as error:
            raise BadSetting(f"SLUICE_GATEWAY_SPOOL: {error}") from error

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(self._keep_draining()), asyncio.create_task(self._notes.keep())]

    async def close(self) -> None:
        """End the chunk that is under way: lanes of a transaction that is open would wait for its time-out. Then tell
        what is left."""
        self._stopping.set()
        self._drain.stop()
        if self._tasks:
            await asyncio.wait(self._tasks[:1], timeout=TIMEOUT_S)
            await end(*self._tasks)
            await self._notes.close()
        await self._spool.close()

    async def check(self) -> None:
        """Raise `QueueUnavailable` unless the spool would take a message."""
        await self._spool.check()

    async def _keep_draining(self) -> None:
        again_s = AGAIN_S
        while not self._stopping.is_set():
            await self._keep_open()
            pause_s = LOOK_S
            if self._breakers.may_drain:
                if await self._drains():
                    again_s = AGAIN_S
                else:
                    pause_s, again_s = again_s, min(2 * again_s, AT_MOST_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause_s)

    async def _drains(self) -> bool:
        """Drain it; False: it is to be tried again later."""
        try:
            await self._drain.run(lambda _: self._breakers.drained())
            self._breakers.drained()  # perhaps nothing waited, and nothing came that could be the probe
        except CorruptSpool as error:
            await self._put_aside(error)
        except QueueError as error:
            _log.warning("the spool could not be drained, and will be", error=str(error))
            return False
        except Exception:
            _log.exception("the spool could not be drained, and will be")
            return False
        return True

    async def _put_aside(self, error: CorruptSpool) -> None:
        try:
            await self._spool.put_aside(error)
        except Exception:
            _log.exception("the spool could not be put aside, and will be")

    async def _keep_open(self) -> None:
        """It is not open if it could not be begun anew when it was put aside, or if its file was deleted. Damage is
        looked for here too: while Kafka is away nothing is drained, and a damaged file takes nothing."""
        try:
            if self._spool.is_open:
                await self._spool.state()
            else:
                await self._spool.reopen()
        except CorruptSpool as error:
            await self._put_aside(error)
        except Exception:
            _log.exception("the spool can't be used, and is tried again")
