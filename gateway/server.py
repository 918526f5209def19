"""uvicorn, with time-outs for a request's head and an end that leaves no half-sent request waiting."""

import asyncio
import socket
from collections.abc import Callable

import uvicorn

from gateway.connection import SlowHeads


class Server(uvicorn.Server):
    """At shutdown: requests that are not complete are refused at once, complete ones are finished, then it ends."""

    def __init__(self, config: uvicorn.Config, *, head_timeout_s: float, give_up: Callable[[], None]) -> None:
        super().__init__(config)
        self._heads = SlowHeads(self.server_state, head_timeout_s)
        self._give_up = give_up
        self._watching: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._watching = asyncio.create_task(self._heads.watch())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._give_up()
        await super().shutdown(sockets)
        if self._watching is not None:
            self._watching.cancel()
