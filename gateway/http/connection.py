"""Connections that never deliver a whole request: refused like any other request, in the API's own words.

uvicorn has no timeout for a request's head, and answers broken HTTP in plain text.
"""

import asyncio
from collections.abc import Iterator
from functools import partial
from time import monotonic
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.apis import Apis
from gateway.http.answer_headers import standing_headers
from gateway.rejections import BadRequest, Rejection, TimedOut, TooLarge

SWEEP_S = 0.5

MAX_HEAD_BYTES = 65_536
"""Largest request line and headers if they arrive in several pieces; one piece is at most 256 kB."""


class Connection(HttpToolsProtocol):
    """A connection that can refuse what never reaches a route."""

    scope: Any
    """Of the newest request; None before the first one, without a method until its head is complete."""

    def __init__(self, *arguments: Any, request_ids: Iterator[bytes], apis: Apis, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._request_ids = request_ids
        self._apis = apis
        self._head_bytes = 0

    @property
    def in_head(self) -> bool:
        """Whether a request has begun, and its headers are not complete."""
        return self.scope is not None and "method" not in self.scope

    @property
    def in_body_for_nothing(self) -> bool:
        """Whether the client goes on sending a body whose request is already answered: it is thrown away, and uvicorn's
        timer for idle connections no longer runs."""
        return (
            self.cycle is not None
            and self.cycle.response_complete
            and self.cycle.more_body
            and self.timeout_keep_alive_task is None
        )

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        scope = self.scope
        if scope is not None and "method" not in scope:  # `in_head`, without the cost of a property
            self._head_came(len(data))
        elif self._head_bytes:
            self._head_bytes = 0

    def _head_came(self, n: int) -> None:
        self._head_bytes += n
        if self._head_bytes > MAX_HEAD_BYTES:
            self.refuse(TooLarge())

    def send_400_response(self, msg: str) -> None:
        self.refuse(BadRequest())

    def refuse(self, rejection: Rejection) -> None:
        """Answer and close, unless an answer to an earlier request is still under way: then only close."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(self._answer(rejection))
        self.transport.close()

    def _answer(self, rejection: Rejection) -> bytes:
        url = getattr(self, "url", b"")
        api = self._apis.of_path(url.decode("latin-1"))
        answer = api.answer(rejection)
        headers = [
            *self.server_state.default_headers,
            (b"content-type", api.media_type.encode()),
            *standing_headers(self._request_ids, dict(self.headers or ()).get(b"origin")),
            *(header for header in answer.headers if header[0] != b"connection"),
            (b"content-length", b"%d" % len(answer.body)),
            (b"connection", b"close"),
        ]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        return b"%b%b\r\n%b" % (STATUS_LINE[answer.status], lines, answer.body)


def connections(request_ids: Iterator[bytes], apis: Apis) -> Any:
    """What uvicorn calls for each new connection."""
    return partial(Connection, request_ids=request_ids, apis=apis)


class SlowHeads:
    """Ends connections that never send a first byte, are stuck in a request's head, or go on with a body after its
    answer.

    One task looks at all of them twice a second, so that a request pays nothing. It ends those that it finds in the
    same state of the same request for `timeout_s`.
    """

    def __init__(self, state: ServerState, timeout_s: float) -> None:
        self._state = state
        self._timeout_s = timeout_s
        self._stuck: dict[Connection, tuple[object, float]] = {}

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep(monotonic())

    def sweep(self, now: float) -> None:
        """End the connections that have been stuck for too long at `now`, seconds of the monotonic clock."""
        stuck: dict[Connection, tuple[object, float]] = {}
        for connection in list(self._state.connections):
            assert isinstance(connection, Connection)
            silent = connection.scope is None
            if not (silent or connection.in_head or connection.in_body_for_nothing):
                continue
            request, since = self._stuck.get(connection, (None, now))
            if request is not connection.scope:
                since = now
            if now - since < self._timeout_s:
                stuck[connection] = connection.scope, since
            elif connection.in_head:
                connection.refuse(TimedOut())
            else:
                connection.transport.close()
        self._stuck = stuck
