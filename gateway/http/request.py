"""A request as the ingest path sees it."""

from typing import Any

from starlette.types import Receive, Scope

from gateway.http.answer import Headers
from gateway.http.body import Bodies
from gateway.http.cycle import CYCLE, Cycle
from gateway.http.deadlines import GivenUp
from gateway.http.headers import HEADERS
from gateway.rejections import TimedOut, TooLarge, Unavailable


class ClientGone(Exception):
    """The client hung up before its answer: nobody is left to read one."""


class Request:
    """Headers, path parameters, query and, after `read`, the body: `wire` as received, and `body`, after `unpack`
    without its Content-Encoding.

    `answer_headers` go on whatever answer the request gets, errors included: steps append to them. `opened` belongs to
    the steps: the bodies of the request's formats, once one step has decoded them. `project_id`: the key's; '' before
    that is known.
    """

    __slots__ = (
        "_bodies",
        "_cycle",
        "_is_read",
        "_is_unpacked",
        "_receive",
        "answer_headers",
        "body",
        "headers",
        "held",
        "method",
        "opened",
        "path_parameters",
        "project_id",
        "query",
        "wire",
    )

    def __init__(self, scope: Scope, receive: Receive, bodies: Bodies) -> None:
        self.method: str = scope["method"]
        self.headers: dict[bytes, bytes] = scope[HEADERS]
        self.path_parameters: dict[str, Any] = scope.get("path_params") or {}
        self.query: bytes = scope.get("query_string", b"")
        self.answer_headers: Headers = []
        self.wire = self.body = b""
        self.opened: Any = None
        self.project_id = ""
        self._is_read = self._is_unpacked = False
        self.held = 0
        self._cycle: Cycle | None = scope.get(CYCLE)
        self._receive = receive
        self._bodies = bodies

    def is_here(self) -> bool:
        """Whether the body is read: it is at once where all of it came with the head. Raises `TooLarge`, `Unavailable`
        as `read` does."""
        if not self._is_read and self._cycle is not None and not self._bodies.deadlines.given_up:
            body = self._cycle.whole_body()
            if body is not None:
                if len(body) > self._bodies.max_bytes:
                    raise TooLarge
                self._bodies.hold(self, len(body))
                self.wire = self.body = body
                self._is_read = True
        return self._is_read

    async def read(self) -> None:
        """Read the body, once.

        Raises:
            TooLarge: it is over the limit on the wire.
            TimedOut: it was not complete in time.
            Unavailable: the process is shutting down, or has no room for the body.
            ClientGone: the connection ended first.
        """
        if self._is_read:
            return
        left = self._bodies.max_bytes
        if int(self.headers.get(b"content-length", 0)) > left:
            raise TooLarge
        chunks: list[bytes] = []
        try:
            wait = self._bodies.deadlines.begin()
            try:
                more = True
                while more:
                    message = await self._receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    chunks.append(message.get("body", b""))
                    left -= len(chunks[-1])
                    if left < 0:
                        raise TooLarge
                    self._bodies.hold(self, len(chunks[-1]))
                    more = message.get("more_body", False)
                    if more:
                        self._bodies.half[wait] = self
            finally:
                if self._bodies.half:
                    self._bodies.half.pop(wait, None)
                self._bodies.deadlines.end(wait)
        except TimeoutError:
            raise TimedOut from None
        except GivenUp:
            raise Unavailable from None
        self.wire = self.body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self._is_read = True

    async def unpack(self, project_id: str = "") -> None:
        """Undo the Content-Encoding, once; `project_id` as for `Unpacker.unpack`.

        Raises `UnsupportedEncoding`, `TooLarge`, `Unreadable`, `Unavailable`.
        """
        coding = self.headers.get(b"content-encoding", b"identity")
        if not self._is_unpacked and coding.lower() != b"identity":
            self.body = await self._bodies.unpacker.unpack(coding, self.wire, project_id)
            self._bodies.hold(self, len(self.body))
        self._is_unpacked = True

    def forget(self) -> None:
        """The request is over: its bytes are no longer kept."""
        self._bodies.let_go(self)
