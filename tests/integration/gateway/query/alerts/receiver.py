"""A webhook's receiver on this machine."""

import asyncio
from typing import Any, NamedTuple

import msgspec

from gateway.query.sending.message import SIGNATURE, signature
from shared.secret import Secret

SECRET = "a secret of the test"


class Got(NamedTuple):
    """A request that came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def is_signed(self) -> bool:
        return self.headers.get(SIGNATURE.lower()) == signature(self.body, Secret(SECRET))


class Receiver:
    """Answers each request with the next of `statuses`, with 200 when there are none. Use it in an `async with`."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.got: list[Got] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "Receiver":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/hook/a-token"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head.splitlines()[1:])}
        self.got.append(Got(headers, await reader.readexactly(int(headers["content-length"]))))
        status = self.statuses.pop(0) if self.statuses else 200
        where = "Location: http://127.0.0.1:1/\r\n" if 300 <= status < 400 else ""
        writer.write(f"HTTP/1.1 {status} X\r\n{where}Content-Length: 2\r\nConnection: close\r\n\r\nok".encode())
        await writer.drain()
        writer.close()
