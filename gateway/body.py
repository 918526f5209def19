"""A request's body: read within limits of size and time."""

from starlette.types import Receive, Scope

from gateway.deadlines import Deadlines
from gateway.rejections import TimedOut, TooLarge, UnsupportedEncoding


class ClientGone(Exception):
    """The client hung up in the middle of its request: nobody is left to answer."""


async def read_body(scope: Scope, receive: Receive, *, max_bytes: int, deadlines: Deadlines) -> bytes:
    """The whole body as it came.

    Raises:
        TooLarge: over `max_bytes`, found out from the header or while reading.
        TimedOut: not complete within the time of `deadlines`.
        UnsupportedEncoding: it is packed in a way that isn't understood.
        ClientGone: the connection ended first.
    """
    for name, value in scope["headers"]:
        if name == b"content-length":
            if int(value) > max_bytes:
                raise TooLarge
        elif name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise UnsupportedEncoding
    try:
        return await deadlines.wait_for(_receive_all(receive, max_bytes))
    except TimeoutError:
        raise TimedOut from None


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
