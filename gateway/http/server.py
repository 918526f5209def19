"""uvicorn, with timeouts for a request's head and for an answer that nobody reads, and a shutdown that leaves no
half-sent request waiting."""

import asyncio
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from gateway.http.overdue import Idle, SlowHeads, UnreadAnswers


class Server(uvicorn.Server):
    """At the first signal it refuses requests that are not complete, finishes the complete ones, and ends.

    uvicorn looks for a signal only ten times a second: meanwhile the rest of a half-sent request could arrive.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        head_timeout_s: float,
        answer_timeout_s: float,
        give_up: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._overdue = (
            SlowHeads(self.server_state, head_timeout_s),
            UnreadAnswers(self.server_state, answer_timeout_s),
            Idle(self.server_state, config.timeout_keep_alive),
        )
        self._give_up = give_up
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watching: list[asyncio.Task[None]] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self._watching = [asyncio.create_task(each.watch()) for each in self._overdue]

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._give_up)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._give_up()
        await super().shutdown(sockets)
        for watching in self._watching:
            watching.cancel()
