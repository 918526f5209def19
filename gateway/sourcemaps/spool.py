"""The body of an upload goes to a temporary file: it may be as large as all other bodies in memory together."""

import asyncio
import os
from tempfile import TemporaryFile
from types import TracebackType

from starlette.types import Receive

from gateway.http.deadlines import Deadlines, GivenUp
from gateway.http.request import ClientGone
from gateway.rejections import TimedOut, Unavailable
from gateway.sourcemaps.refusals import UploadTooLarge

PIECE_BYTES = 1_000_000
"""So much is collected in memory before a thread writes it."""


class Spool:
    """A body in a file without a name: it ends with the request, however that ends."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._file = TemporaryFile(buffering=0)  # noqa: SIM115 - `__exit__` closes it
        self.size = 0

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def fileno(self) -> int:
        return self._file.fileno()

    async def fill(self, receive: Receive, deadlines: Deadlines) -> None:
        """Read the whole body of a request.

        Raises:
            UploadTooLarge: it is over the limit on the wire.
            TimedOut: it was not complete in time.
            Unavailable: the process is shutting down, or its disk is full.
            ClientGone: the connection ended first.
        """
        try:
            wait = deadlines.begin()
            try:
                await self._receive(receive)
            finally:
                deadlines.end(wait)
        except TimeoutError:
            raise TimedOut from None
        except (GivenUp, OSError) as error:
            raise Unavailable from error

    async def read(self, start: int, size: int) -> bytes:
        """A part of what the file holds now."""
        return await asyncio.to_thread(os.pread, self.fileno(), size, start)

    async def _receive(self, receive: Receive) -> None:
        pieces: list[bytes] = []
        waiting, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            piece: bytes = message.get("body", b"")
            more = message.get("more_body", False)
            pieces.append(piece)
            waiting += len(piece)
            self.size += len(piece)
            if self.size > self._max_bytes:
                raise UploadTooLarge(self._max_bytes)
            if waiting >= PIECE_BYTES or not more:
                await asyncio.to_thread(self._write, b"".join(pieces))
                pieces, waiting = [], 0

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
