"""Answers of the read API: given to the client as fast as it takes them, and bounded over all clients."""

from collections import Counter
from collections.abc import Mapping, Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.rejections import Unavailable

MAX_HELD_BYTES = 64_000_000
"""Of all answers that clients have not taken yet; half of it for one project."""

SMALL_BYTES = 262_144
"""An answer up to this size is sent at once."""


class Held:
    """Counts the bytes of answers that are in memory, in all and of each project."""

    def __init__(self, most: int = MAX_HELD_BYTES) -> None:
        self._most = most
        self._bytes: Counter[str] = Counter()

    @property
    def total(self) -> int:
        return self._bytes.total()

    def admit(self, project_id: str, size: int) -> None:
        """Raise `Unavailable` where an answer of this size is too much: clients have to take their answers first."""
        if self.total + size > self._most or self._bytes[project_id] + size > self._most // 2:
            raise Unavailable("too many answers wait to be taken")

    def add(self, project_id: str, size: int) -> None:
        self._bytes[project_id] += size
        if not self._bytes[project_id]:
            del self._bytes[project_id]


class PiecesResponse(Response):
    """JSON in pieces. The next one is sent when the client has taken most of those before: what waits in the
    connection's own buffer is in nobody's count."""

    media_type = "application/json"

    def __init__(self, pieces: Sequence[bytes], headers: Mapping[str, str], held: Held, project_id: str) -> None:
        self._size = sum(map(len, pieces))
        if self._size <= SMALL_BYTES:
            pieces = [b"".join(pieces)]
        super().__init__(headers={**headers, "Content-Length": str(self._size)})
        self._pieces = pieces
        self._held = held
        self._project_id = project_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._held.add(self._project_id, self._size)
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            for n, piece in enumerate(self._pieces, 1):
                await send({"type": "http.response.body", "body": piece, "more_body": n < len(self._pieces)})
        finally:
            self._held.add(self._project_id, -self._size)
