"""A request as the ingest path sees it."""

from typing import Any

from starlette.types import Receive, Scope

from gateway.http.answer import Headers
from gateway.http.body import Bodies


class Request:
    """Headers, path parameters, and a body that is read once, however often it is asked for.

    `answer_headers` go on whatever answer the request gets, errors too: steps add to them. `opened` are its bodies
    after their first decode, for the steps after the one that needed it first.
    """

    __slots__ = (
        "_bodies",
        "_body",
        "_receive",
        "_wire",
        "answer_headers",
        "headers",
        "method",
        "opened",
        "path_parameters",
    )

    def __init__(self, scope: Scope, receive: Receive, bodies: Bodies) -> None:
        self.method: str = scope["method"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.path_parameters: dict[str, Any] = scope.get("path_params") or {}
        self.answer_headers: Headers = []
        self.opened: Any = None
        self._receive = receive
        self._bodies = bodies
        self._wire: bytes | None = None
        self._body: bytes | None = None

    async def wire(self) -> bytes:
        """The body as it came. Raises `TooLarge`, `TimedOut`, `Unavailable`, `ClientGone`."""
        if self._wire is None:
            self._wire = await self._bodies.read(self.headers, self._receive)
        return self._wire

    async def body(self) -> bytes:
        """The body without its Content-Encoding. Raises as `wire`, and `UnsupportedEncoding`, `Unreadable`."""
        if self._body is None:
            wire = await self.wire()
            coding = self.headers.get(b"content-encoding")
            self._body = wire if coding is None else await self._bodies.unpacked(coding, wire)
        return self._body
