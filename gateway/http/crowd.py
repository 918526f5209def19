"""Connections beyond the most that a process serves: an idle one makes room, or the newest gets 503 and is closed."""

import asyncio
from collections.abc import Iterator
from itertools import islice
from typing import Any

from uvicorn.server import ServerState

from gateway.apis import Apis
from gateway.http.answer_headers import standing_headers
from gateway.http.closing_answer import closing_answer
from gateway.http.connection import Connection, connections
from gateway.rejections import Unavailable

PATIENCE_S = 1.0
"""How long one too many may take to send its first bytes: closed before they are read, it would not see the answer."""

MOST_REFUSED = 200
"""Most that are being refused at the same time; the others are closed without a word."""

LOOKED_AT = 1_000
"""How many connections are looked at for an idle one."""


class Crowd:
    """Makes the protocol of each new connection: one that serves, while there are fewer than `most`."""

    def __init__(self, request_ids: Iterator[bytes], apis: Apis, most: int) -> None:
        self._connections = connections(request_ids, apis)
        self._request_ids = request_ids
        self._apis = apis
        self._most = most
        self._refused: set[OneTooMany] = set()

    def __call__(self, *, server_state: ServerState, **given: Any) -> asyncio.Protocol:
        """What uvicorn calls for each new connection."""
        if len(server_state.connections) < self._most or _one_idle_is_closed(server_state):
            connection: asyncio.Protocol = self._connections(server_state=server_state, **given)
            return connection
        return OneTooMany(self._refused, self._answer)

    def _answer(self, path: bytes) -> bytes:
        return closing_answer(self._apis, path, Unavailable(), standing_headers(self._request_ids, None))


def _one_idle_is_closed(state: ServerState) -> bool:
    """Close a connection that waits for its next request: else a stranger could keep all of them for ever."""
    for connection in islice(state.connections, LOOKED_AT):
        assert isinstance(connection, Connection)
        if connection.is_idle and not connection.transport.is_closing():
            connection.transport.close()
            return True
    return False


class OneTooMany(asyncio.Protocol):
    """Answers the first bytes, whatever they are, and closes. `refused` holds all of its kind."""

    def __init__(self, refused: "set[OneTooMany]", answer: Any) -> None:
        self._refused = refused
        self._answer = answer
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        if len(self._refused) >= MOST_REFUSED:
            transport.abort()
            return
        self._refused.add(self)
        self._transport = transport
        self._timer = asyncio.get_running_loop().call_later(PATIENCE_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            words = data[:8192].split(b" ", 2)
            self._transport.write(self._answer(words[1] if len(words) > 1 else b""))
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._refused.discard(self)
        if self._timer is not None:
            self._timer.cancel()
