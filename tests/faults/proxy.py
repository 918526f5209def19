"""A TCP proxy between a writer and ClickHouse: it sees the tokens, and can harm inserts as bad networks do."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

_TOKEN = re.compile(
    rb"insert_deduplication_token(?s:.{2,3}?)"  # then a byte of flags, and one or two of the token's length
    rb"((?:replay:[\w-]+:\d+:)?[\w.]+:\d+:\d+-\d+:\d+(?:#[\w:]+)?)"
)
_CHUNK = 65_536

_EMPTY_BLOCK_BYTES = 300
"""Before and after an insert's data the client sends an empty block, of a dozen bytes. A block with one row and the
names of its columns is larger than this."""

_WHEN_ANSWERED = {"asked": "allowed", "ended": ""}


class Proxy:
    """Use it in an `async with`; it runs on that event loop. These can be set at any time:

    `deaf`: so many of the next inserts are passed on, but their answers are lost and the connection ends a second
    later, when they are done.
    `cuts`: of so many of the next inserts only the first half of the first data is passed on, then `at_cut` is called
    (it may kill a process) and both connections end.
    `delay_s`: every answer of the server comes so much later. `late_s`: only the answers to inserts do.
    `down`: no connection is accepted.
    """

    DONE_WITHIN_S = 1.0

    def __init__(self, clickhouse_url: str) -> None:
        self._target = urlsplit(clickhouse_url)
        self.url = ""
        self.deaf = 0
        self.cuts = 0
        self.at_cut: Callable[[], None] = lambda: None
        self.delay_s = 0.0
        self.late_s = 0.0
        self.down = False
        self.tokens: list[str] = []
        """The tokens of all inserts, in order, while `remember` is set."""
        self.remember = True
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        user = self._target.netloc.rpartition("@")[0]
        self.url = self._target._replace(netloc=f"{user}@127.0.0.1:{port}").geturl()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """End all connections."""
        for task in self._tasks:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sides = [writer]
        try:
            if not self.down:
                up_reader, up_writer = await asyncio.open_connection(self._target.hostname, self._target.port)
                sides.append(up_writer)
                await self._until_one_ends(_Link(self, reader, writer, up_reader, up_writer))
        except OSError:
            pass  # without the server the proxy is away too
        finally:
            for side in sides:
                with suppress(OSError):
                    side.close()

    async def _until_one_ends(self, link: "_Link") -> None:
        tasks = {asyncio.create_task(link.upwards()), asyncio.create_task(link.downwards())}
        self._tasks |= tasks
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks -= tasks


class _Link:
    """One connection and its other half."""

    def __init__(
        self,
        proxy: Proxy,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        up_reader: asyncio.StreamReader,
        up_writer: asyncio.StreamWriter,
    ) -> None:
        self._proxy = proxy
        self._reader, self._writer = reader, writer
        self._up_reader, self._up_writer = up_reader, up_writer
        self._insert = ""
        """asked: the query was passed on. allowed: the server has answered that data may come. sent: data was passed
        on; the server confirms every block, and the client waits for that. ended: the empty block that ends an insert
        was passed on too, and only now does the server store it: its next message is the answer."""

    async def upwards(self) -> None:
        proxy = self._proxy
        while chunk := await self._reader.read(_CHUNK):
            data = self._insert == "allowed" and len(chunk) > _EMPTY_BLOCK_BYTES
            if data and proxy.cuts:
                proxy.cuts -= 1
                self._up_writer.write(chunk[: len(chunk) // 2])
                await self._up_writer.drain()
                proxy.at_cut()
                return
            if found := _TOKEN.findall(chunk):
                if proxy.remember:
                    proxy.tokens += [token.decode() for token in found]
                self._insert = "asked"
            elif data:
                self._insert = "sent"
            elif self._insert in ("sent", "ended"):
                self._insert = "sent" if len(chunk) > _EMPTY_BLOCK_BYTES else "ended"
            self._up_writer.write(chunk)
            await self._up_writer.drain()

    async def downwards(self) -> None:
        proxy = self._proxy
        while chunk := await self._up_reader.read(_CHUNK):
            if proxy.deaf and self._insert == "ended":
                proxy.deaf -= 1
                await asyncio.sleep(proxy.DONE_WITHIN_S)
                return
            if delay_s := proxy.delay_s + (proxy.late_s if self._insert == "ended" else 0.0):
                await asyncio.sleep(delay_s)
            self._insert = _WHEN_ANSWERED.get(self._insert, self._insert)
            self._writer.write(chunk)
            await self._writer.drain()


__all__ = ["Proxy"]
