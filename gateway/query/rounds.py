"""What one of the processes that read does again and again, for all of them (operating.md, "How it works")."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from shared.clients.postgres import LockHeld, PostgresUnavailable, check_held, locked
from shared.secret import AnyUrl
from shared.tasks import end

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Round:
    """What is done under the lock of this name. `lost`: is called when another process has the lock: whoever gets it
    doesn't know what the others have done. `away`, `failed`: what the log says."""

    lock: str
    do: Callable[[], Awaitable[None]]
    lost: Callable[[], None]
    away: str
    failed: str


class Rounds:
    """One process at a time goes its rounds; when it dies, another goes on within two of them."""

    def __init__(self, url: AnyUrl, round: Round) -> None:
        """`url`: of Postgres."""
        self._url = url
        self._round = round
        self._task: asyncio.Task[None] | None = None

    def start(self, every_s: float) -> None:
        self._task = asyncio.create_task(self._run(every_s))

    async def close(self) -> None:
        if self._task is not None:
            await end(self._task)

    async def _run(self, every_s: float) -> None:
        round = self._round
        while True:
            try:
                async with locked(self._url, round.lock, wait_s=every_s) as lock:
                    while True:
                        await check_held(lock)
                        await round.do()
                        await asyncio.sleep(every_s)
            except LockHeld:
                round.lost()
            except PostgresUnavailable as error:
                _log.warning(f"{round.away}: Postgres is away", error=str(error))
                await asyncio.sleep(every_s)
            except Exception:
                _log.exception(round.failed)
                await asyncio.sleep(every_s)
