"""How late a process's event loop is: what everything that it does waits for."""

import asyncio

from shared.metrics import Metrics
from shared.tasks import end

_EVERY_S = 0.25


class Lateness:
    """Sleeps a quarter of a second, again and again, and notes by how much longer it took."""

    def __init__(self, metrics: Metrics) -> None:
        self._seconds = metrics.loop_lag_seconds
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        if self._task is not None:
            await end(self._task)

    async def _watch(self) -> None:
        time = asyncio.get_running_loop().time
        while True:
            due = time() + _EVERY_S
            await asyncio.sleep(_EVERY_S)
            self._seconds.observe(max(0.0, time() - due))
