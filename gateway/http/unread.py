"""Answers that nobody reads: their connections are ended, so that nobody can have a gateway keep them for ever."""

import asyncio
from time import monotonic

from uvicorn.server import ServerState

from gateway.http.connection import Connection

SWEEP_S = 1.0


class UnreadAnswers:
    """Ends connections whose answers have waited for their client for `timeout_s`, seconds.

    One task looks at all of them once a second, so that a request pays nothing. While answers wait a connection is
    not read, so that its newest request stays the same.
    """

    def __init__(self, state: ServerState, timeout_s: float) -> None:
        self._state = state
        self._timeout_s = timeout_s
        self._waiting: dict[Connection, tuple[object, float]] = {}

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep(monotonic())

    def sweep(self, now: float) -> None:
        """End the connections whose answers have waited too long at `now`, seconds of the monotonic clock."""
        waiting: dict[Connection, tuple[object, float]] = {}
        for connection in list(self._state.connections):
            assert isinstance(connection, Connection)
            if not connection.transport.get_write_buffer_size():
                continue
            request, since = self._waiting.get(connection, (None, now))
            if request is not connection.scope:
                since = now
            if now - since < self._timeout_s:
                waiting[connection] = connection.scope, since
            else:
                connection.transport.abort()
        self._waiting = waiting
