"""Connections beyond the most that a process serves: one that only waits for its client makes room. Without such a one
the newest gets 503 and is closed."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from itertools import islice
from typing import Any

from gateway.apis import Apis
from gateway.http.answer_headers import standing_headers
from gateway.http.closing_answer import closing_answer
from gateway.http.connection import Connection, Framing
from gateway.rejections import Unavailable

PATIENCE_S = 1.0
"""How long one too many may take to send its first bytes: closed before they are read, it would not see the answer."""

MOST_REFUSED = 200
"""Most that are being refused at the same time; the others are closed without a word."""

LOOKED_AT = 1_000
"""How many connections are looked at for one that makes room."""

_SEEN = "sluice.seen"
"""In the scope of a request that was its connection's newest when that was last looked at."""


class Crowd:
    """Makes the protocol of each new connection: one that serves, if there is a place for it among `most`.

    1. Nobody keeps a place by being silent: when all are taken, the connection that has been idle longest gives way,
       whether it never sent a whole head or has its answer.
    2. Where none is idle, one with half a body or an answer that is not taken gives way. One whose whole request is
       here never does.
    3. A request pays nothing for it: only a new connection looks at the others, at `LOOKED_AT` of them at most.
    """

    def __init__(self, request_ids: Iterator[bytes], apis: Apis, most: int) -> None:
        self._request_ids = request_ids
        self._apis = apis
        self._most = most
        self._framing = Framing()
        self._line: OrderedDict[Connection, None] = OrderedDict()
        """Those that are served: new ones and those that were just looked at stand last."""
        self._refused: set[OneTooMany] = set()

    def __call__(self, **given: Any) -> asyncio.Protocol:
        """What uvicorn calls for each new connection."""
        if len(self._line) >= self._most and not self._room_is_made():
            return OneTooMany(self._refused, self._answer)
        connection = Connection(
            request_ids=self._request_ids, apis=self._apis, framing=self._framing, left=self._leave, **given
        )
        self._line[connection] = None
        return connection

    def _leave(self, connection: Connection) -> None:
        self._line.pop(connection, None)

    def _room_is_made(self) -> bool:
        connection = self._dispensable()
        if connection is None:
            return False
        self._leave(connection)
        connection.give_way()
        return True

    def _dispensable(self) -> Connection | None:
        """The connection that gives way. One that has sent a request since it was last looked at is spared once."""
        active = busy = None
        for connection in list(islice(self._line, LOOKED_AT)):
            self._line.move_to_end(connection)
            if connection.is_idle:
                if _is_seen(connection):
                    return connection
                active = active or connection
            elif connection.waits_for_client:
                busy = busy or connection
        return active or busy

    def _answer(self, path: bytes) -> bytes:
        return closing_answer(self._apis, path, Unavailable(), standing_headers(self._request_ids, None))


def _is_seen(connection: Connection) -> bool:
    """Whether the connection was looked at since its newest request began, or has none; from now on it was."""
    if connection.scope is None or _SEEN in connection.scope:
        return True
    connection.scope[_SEEN] = True
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
