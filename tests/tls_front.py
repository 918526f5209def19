"""TLS before a server that can't speak it.

None of the engines out of wheels can: PostgreSQL and Valkey are built without OpenSSL, and clickhouse-local starts no
secure listener (`SYSTEM START LISTEN` knows TCP and HTTP only). The clients' side, which is Sluice's, is the real one.
"""

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path

from deploy.local.ports import HOST

_ASKS_FOR_TLS = bytes.fromhex("0000000804d2162f")
"""PostgreSQL's clients begin with it in plain text, and go on in TLS after an S."""


class TlsFront:
    """Use it in an `async with`; `port` is the address, `server` the port behind it. `postgres`: its clients' way."""

    def __init__(self, server: int, certificate: Path, *, postgres: bool = False) -> None:
        self.port = 0
        self._behind = server
        self._postgres = postgres
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "TlsFront":
        tls = None if self._postgres else self._tls
        self._server = await asyncio.start_server(self._serve, HOST, 0, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with suppress(OSError, EOFError, asyncio.CancelledError):
            if self._postgres:
                assert await reader.readexactly(8) == _ASKS_FOR_TLS, "a client without TLS"
                writer.write(b"S")
                await writer.start_tls(self._tls)
            await self._pass_on(reader, writer)
        writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one side ends."""
        answers, questions = await asyncio.open_connection(HOST, self._behind)
        ways = [asyncio.create_task(_copy(reader, questions)), asyncio.create_task(_copy(answers, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            questions.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
