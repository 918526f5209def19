"""One request of a connection and its answer, as the application sees them: ASGI, with two short cuts."""

from typing import Any, cast

from starlette.types import Message, Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from gateway.http.answer import Headers

CYCLE = "sluice.cycle"
"""Where a request's scope has its cycle. Only this server sets it; without it an application uses plain ASGI."""


CLOSE = (b"connection", b"close")
"""The header of an answer after which the connection ends."""


class Cycle(RequestResponseCycle):
    """uvicorn's, but that

    1. a body is handed on in the pieces that came, not copied together first;
    2. `answer` sends head and body as one text, and looks at the head once, not at each header twice;
    3. it leaves `tasks` itself when it ends: a callback of its task's would cost another turn of the loop.
    """

    def __init__(self, *, tasks: set[Any], **named: Any) -> None:
        super().__init__(**named)
        self._pieces: list[bytes] = []
        self._tasks = tasks
        self.task: Any = None
        """The one that runs it; set by whoever starts it."""
        self.waiting_bytes = 0
        """Of the body: arrived, and not yet read by the application."""

    async def run_asgi(self, app: Any) -> None:
        try:
            await super().run_asgi(app)
        finally:
            self._tasks.discard(self.task)
            cast(Scope, self.scope).pop(CYCLE)  # it holds us: a circle, which only the collector could free

    def arrived(self, piece: bytes) -> None:
        """More of the body has come."""
        self._pieces.append(piece)
        self.waiting_bytes += len(piece)
        self.message_event.set()

    def whole_body(self) -> bytes | None:
        """The body, if all of it is here; else None, and nothing is taken: call `receive`."""
        if self.more_body or self.disconnected:
            return None
        self.message_event.clear()
        return self._taken()

    async def receive(self) -> Message:  # type: ignore[override]
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if not self.disconnected and not self.response_complete:
            self.flow.resume_reading()
            await self.message_event.wait()
            self.message_event.clear()
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": self._taken(), "more_body": self.more_body}

    def _taken(self) -> bytes:
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.waiting_bytes = 0
        return body

    def answer(self, status: int, headers: Headers, body: bytes) -> bool:
        """Send a whole answer, with its Content-Length. False if it can't be sent like this, and nothing was: then use
        `send`. Raises RuntimeError if a header would end its line: it could forge another."""
        if self.response_started or self.flow.write_paused or self.scope["method"] == "HEAD":
            return False
        head = [b"%b: %b\r\n" % header for header in (*self.default_headers, *headers)]
        head.append(b"content-length: %d\r\n" % len(body))
        if CLOSE in headers:
            self.keep_alive = False
        elif not self.keep_alive:
            head.append(b"connection: close\r\n")
        text = b"".join(head)
        if text.count(b"\n") != len(head) or text.count(b"\r") != len(head) or b"\0" in text:
            raise RuntimeError("a header of the answer is not one line")
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        if self.disconnected:
            return True
        self.transport.write(b"".join((STATUS_LINE[status], text, b"\r\n", body)))
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
        return True
