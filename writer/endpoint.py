"""/metrics and /health of a writer, for scrapers and probes on this machine."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry, generate_latest

_READ_S = 5.0


class Endpoint:
    """Minimal HTTP on the writer's own event loop: if the loop is stuck there is no answer, which is intended.

    `health` returns whether the writer is well, and details.
    """

    def __init__(self, registry: CollectorRegistry, health: Callable[[], tuple[bool, dict[str, Any]]]) -> None:
        self._registry = registry
        self._health = health
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> int:
        """Listen on 127.0.0.1; port 0 is any free one. Returns the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_READ_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(head.split(b" ", 2)[1].split(b"?")[0]))
                await writer.drain()
        except (TimeoutError, OSError, EOFError, IndexError, asyncio.LimitOverrunError):
            pass  # not a request that can be answered
        finally:
            writer.close()

    def _answer(self, path: bytes) -> bytes:
        if path == b"/metrics":
            return _response("200 OK", "text/plain; version=0.0.4; charset=utf-8", generate_latest(self._registry))
        if path == b"/health":
            well, details = self._health()
            body = msgspec.json.encode({"status": "ok" if well else "stuck", **details})
            return _response("200 OK" if well else "503 Service Unavailable", "application/json", body)
        return _response("404 Not Found", "application/json", b'{"error":"Not found"}')


def _response(status: str, content_type: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
