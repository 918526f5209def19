"""Time-outs for many short waits: one timer a process instead of one a request.

A timer of its own costs every request about 15 us on uvloop, a quarter of a one-log request. Here a wait is an entry in
a dict, and one task looks twice a second for those that have gone on for too long.
"""

import asyncio
from collections.abc import Coroutine
from time import monotonic
from typing import Any, TypeVar

_T = TypeVar("_T")

SWEEP_S = 0.5


class GivenUp(Exception):
    """The wait was ended because the process ends."""


class Deadlines:
    """Ends waits that last longer than `timeout_s` seconds (and at most `SWEEP_S` more), or all of them at once."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._waiting: dict[asyncio.Task[Any], float] = {}
        self._ended: dict[asyncio.Task[Any], Exception] = {}
        self._given_up = False
        self._sweeper: asyncio.Task[None] | None = None

    async def wait_for(self, work: Coroutine[Any, Any, _T]) -> _T:
        """The result of `work`. A cancellation from elsewhere goes through as it is.

        Raises:
            TimeoutError: it took too long.
            GivenUp: `give_up` was called, before or meanwhile.
        """
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep())
        task = asyncio.current_task()
        assert task is not None
        if self._given_up:
            work.close()
            raise GivenUp
        self._waiting[task] = monotonic()
        try:
            return await work
        except asyncio.CancelledError:
            reason = self._ended.pop(task, None)
            if reason is None:
                raise
            task.uncancel()
            raise reason from None
        finally:
            del self._waiting[task]

    def give_up(self) -> None:
        """End every wait, and let none begin any more."""
        self._given_up = True
        for task in self._waiting:
            self._end(task, GivenUp())

    def _end(self, task: asyncio.Task[Any], reason: Exception) -> None:
        if task not in self._ended:
            self._ended[task] = reason
            task.cancel()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            oldest = monotonic() - self._timeout_s
            for task in [task for task, since in self._waiting.items() if since < oldest]:
                self._end(task, TimeoutError())

    async def close(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
