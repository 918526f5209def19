"""Connections that have waited too long for their client are ended: nobody can have a gateway keep them for ever."""

import asyncio
from abc import ABC, abstractmethod
from time import monotonic

from uvicorn.server import ServerState

from gateway.http.connection import Connection
from gateway.rejections import TimedOut

PROGRESS = "sluice.progress"
"""Where the scope of a long answer has a new object whenever its client has taken a part: its time begins again."""


class Overdue(ABC):
    """Ends connections that wait in the same state of the same request for `timeout_s`, seconds.

    One task looks at all of them every `sweep_s`, so that a request pays nothing.
    """

    sweep_s: float

    def __init__(self, state: ServerState, timeout_s: float) -> None:
        self._state = state
        self._timeout_s = timeout_s
        self._waiting: dict[Connection, tuple[object, float]] = {}

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self.sweep_s)
            self.sweep(monotonic())

    def sweep(self, now: float) -> None:
        """End the connections that have waited too long at `now`, seconds of the monotonic clock."""
        waiting: dict[Connection, tuple[object, float]] = {}
        for connection in list(self._state.connections):
            assert isinstance(connection, Connection)
            if not self.waits(connection):
                continue
            state = self.state(connection)
            before, since = self._waiting.get(connection, (None, now))
            if before is not state:
                since = now
            if now - since < self._timeout_s:
                waiting[connection] = state, since
            else:
                self.end(connection)
        self._waiting = waiting

    @abstractmethod
    def waits(self, connection: Connection) -> bool:
        """Whether a connection waits for its client now."""

    def state(self, connection: Connection) -> object:
        """What it has waited in since it became another one."""
        return connection.scope

    @abstractmethod
    def end(self, connection: Connection) -> None:
        """End a connection that has waited too long."""


class SlowHeads(Overdue):
    """Those that never send a first byte, are stuck in a request's head, or go on with a body after its answer."""

    sweep_s = 0.5

    def waits(self, connection: Connection) -> bool:
        return connection.scope is None or connection.in_head or connection.in_body_for_nothing

    def end(self, connection: Connection) -> None:
        if connection.in_head:
            connection.refuse(TimedOut())
        else:
            connection.transport.close()


class Idle(Overdue):
    """Those that have waited too long for their next request."""

    sweep_s = 5.0

    def waits(self, connection: Connection) -> bool:
        return connection.is_between_requests

    def end(self, connection: Connection) -> None:
        connection.transport.close()


class UnreadAnswers(Overdue):
    """Those whose answers nobody reads, of a long one the next part of it. While answers wait a connection is not
    read, so that its newest request stays the same."""

    sweep_s = 1.0

    def waits(self, connection: Connection) -> bool:
        return bool(connection.transport.get_write_buffer_size())

    def state(self, connection: Connection) -> object:
        return (connection.scope or {}).get(PROGRESS, connection.scope)

    def end(self, connection: Connection) -> None:
        connection.transport.abort()
