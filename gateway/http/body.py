"""A request's body: read and unpacked within limits of size and time (03, "Bodies")."""

from collections.abc import Mapping

from starlette.types import Receive

from gateway.http.deadlines import Deadlines, GivenUp
from gateway.http.unpack import Unpacker
from gateway.rejections import TimedOut, TooLarge, Unavailable


class ClientGone(Exception):
    """The client hung up in the middle of its request: nobody is left to answer."""


class Bodies:
    """Reads the bodies of one process.

    1. What is refused for its size is refused before it is in memory: by its header, while it is read, or while it is
       being unpacked.
    2. `give_up` ends every wait for the rest of a body: at shutdown a half-sent request is 503, never a 2xx.
    """

    def __init__(self, *, max_bytes: int, unpacker: Unpacker, deadlines: Deadlines) -> None:
        self._max_bytes = max_bytes
        self._unpacker = unpacker
        self._deadlines = deadlines

    async def read(self, given: Mapping[bytes, bytes], receive: Receive) -> bytes:
        """The body as it came; `given` are the request's headers.

        Raises:
            TooLarge: it is over the limit on the wire.
            TimedOut: it was not complete in time.
            Unavailable: the process ends.
            ClientGone: the connection ended first.
        """
        if (length := given.get(b"content-length")) is not None and int(length) > self._max_bytes:
            raise TooLarge
        try:
            return await self._deadlines.wait_for(_receive_all(receive, self._max_bytes))
        except TimeoutError:
            raise TimedOut from None
        except GivenUp:
            raise Unavailable from None

    async def unpacked(self, coding: bytes, wire: bytes) -> bytes:
        """The body without its Content-Encoding. Raises `UnsupportedEncoding`, `TooLarge`, `Unreadable`."""
        return wire if coding.lower() == b"identity" else await self._unpacker.unpack(coding, wire)

    def give_up(self) -> None:
        """Refuse every request whose body is not complete now."""
        self._deadlines.give_up()

    async def close(self) -> None:
        await self._deadlines.close()
        await self._unpacker.close()


async def _receive_all(receive: Receive, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > max_bytes:
            raise TooLarge
        chunks.append(chunk)
        if not message.get("more_body"):
            return chunk if len(chunks) == 1 else b"".join(chunks)
