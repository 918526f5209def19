"""Timeouts for many short waits: one timer per process instead of one per request.

A timer costs a request about 15 us on uvloop, a quarter of a one-log request. Here a wait is an entry in a dict, and
one task looks twice a second for those that have lasted too long.
"""

import asyncio
from time import monotonic
from typing import Any

SWEEP_S = 0.5

Waiter = asyncio.Task[Any]


class GivenUp(Exception):
    """The wait was ended because the process is shutting down, or needs the room."""


class Deadlines:
    """Ends waits that last longer than `timeout_s` seconds (and at most `SWEEP_S` more), or all of them at once."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._waiting: dict[Waiter, float] = {}
        self._ended: dict[Waiter, Exception] = {}
        self.given_up = False
        self._sweeper: asyncio.Task[None] | None = None

    def begin(self) -> Waiter:
        """Begin a wait of the current task, which must have no other one, and must call `end` afterwards.

        A wait that must end early is cancelled; `end` raises the reason. Raises `GivenUp` at once after `give_up`.
        """
        if self.given_up:
            raise GivenUp
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep())
        task = asyncio.current_task()
        assert task is not None
        self._waiting[task] = monotonic()
        return task

    def end(self, task: Waiter) -> None:
        """End a wait, whatever its outcome. A cancellation from elsewhere passes through unchanged.

        Raises:
            TimeoutError: it took too long.
            GivenUp: `give_up` or `end_early` was called meanwhile.
        """
        del self._waiting[task]
        if task in self._ended:
            task.uncancel()
            raise self._ended.pop(task) from None  # no circle (performance.md, "The garbage collector")

    def give_up(self) -> None:
        """End every wait, and let no new one begin."""
        self.given_up = True
        for task in self._waiting:
            self._end(task, GivenUp())

    def end_early(self, task: Waiter) -> None:
        """End one wait now, as `give_up` does. It must be under way."""
        self._end(task, GivenUp())

    def _end(self, task: Waiter, reason: Exception) -> None:
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
