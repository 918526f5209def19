"""What scrapers and probes ask a process for, on a port of its own: `/metrics`, `/health`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from prometheus_client import CollectorRegistry, generate_latest

from shared.settings import BadSetting

_READ_S = 5.0
_MOST = 100
"""Connections at the same time; any more are closed."""


class Answer(NamedTuple):
    status: int
    content_type: str
    body: bytes


Page = Callable[[], Awaitable[Answer]]


class Endpoint:
    """Minimal HTTP on the process's own event loop: if the loop is stuck there is no answer, which is intended.

    `pages`: path -> what answers it.
    """

    def __init__(self, pages: Mapping[str, Page]) -> None:
        self._pages = {path.encode(): page for path, page in pages.items()}
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen; port 0 is any free one. Returns the port. Raises `OSError` if it can't be had."""
        self._server = await asyncio.start_server(self._serve, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._open):
                writer.transport.abort()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            async with asyncio.timeout(_READ_S):
                if len(self._open) <= _MOST:
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(_response(await self._answer(head.split(b" ", 2)[1].split(b"?")[0])))
                    await writer.drain()
        except (TimeoutError, OSError, EOFError, IndexError, asyncio.LimitOverrunError):
            pass  # not a request that can be answered
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, path: bytes) -> Answer:
        page = self._pages.get(path.rstrip(b"/"))
        return await page() if page else json_answer(HTTPStatus.NOT_FOUND, {"error": "Not found"})


async def listening(endpoint: Endpoint, host: str, port: int, variables: str) -> int:
    """The port that an endpoint now listens on. `variables`: the beginning of the two settings that say where. Raises
    `BadSetting` if that can't be had."""
    try:
        return await endpoint.start(host, port)
    except OSError as error:
        raise BadSetting(
            f"{variables}_HOST={host}, {variables}_PORT={port} can't be listened on: {error.strerror or error};"
            " each process of a machine needs a port of its own"
        ) from error


def json_answer(status: int, body: Any) -> Answer:
    return Answer(status, "application/json", msgspec.json.encode(body))


def metrics_page(registry: CollectorRegistry) -> Page:
    """Every metric of a registry as Prometheus reads it."""

    async def page() -> Answer:
        return Answer(HTTPStatus.OK, "text/plain; version=0.0.4; charset=utf-8", generate_latest(registry))

    return page


def _response(answer: Answer) -> bytes:
    head = (
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\nContent-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + answer.body
