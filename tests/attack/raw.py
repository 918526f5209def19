"""What a stranger may send: bytes on a connection, with pauses, and never for long."""

import asyncio
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

MOST_BYTES = 24_000_000
"""What one attack sends at most: more than any limit of the gateway."""

PATIENCE_S = 20.0
"""How long an attack takes at most, with waiting for an answer."""

SILENCE_S = 0.3
"""After an answer and so much silence nothing more comes."""

_STATUS = re.compile(rb"(?m)^HTTP/1\.1 (\d\d\d) ")


@dataclass(frozen=True)
class Attack:
    """Pieces of bytes that are sent one after the other on a connection of their own.

    `kind` names the fault that it looks for. An attack is no request of anybody's: no answer of it is a success unless
    `may_succeed`. `slow_s`: a pause after each piece, seconds.
    """

    kind: str
    pieces: Iterable[bytes]
    may_succeed: bool = False
    slow_s: float = 0.0


async def send(port: int, attack: Attack) -> list[int]:
    """Send an attack; the statuses that were answered. It ends by itself, whatever the gateway does."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return []
    came = bytearray()
    listening = asyncio.create_task(_listen(reader, came))
    try:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                for piece in bounded(attack.pieces):
                    writer.write(piece)
                    await writer.drain()
                    if attack.slow_s:
                        await asyncio.sleep(attack.slow_s)
                heard = -1
                while not listening.done() and (not came or len(came) > heard):
                    heard = len(came)
                    await asyncio.wait({listening}, timeout=SILENCE_S)
    finally:
        writer.transport.abort()
        await asyncio.wait({listening})
    return [int(status) for status in _STATUS.findall(bytes(came))]


def bounded(pieces: Iterable[bytes], most: int = MOST_BYTES) -> Iterator[bytes]:
    """The pieces, up to so many bytes."""
    for piece in pieces:
        yield piece[:most]
        most -= len(piece)
        if most <= 0:
            return


async def _listen(reader: asyncio.StreamReader, came: bytearray) -> None:
    with suppress(OSError):
        while (piece := await reader.read(65_536)) and len(came) < 1_000_000:
            came += piece


def head(path: str, *headers: bytes, method: str = "POST") -> bytes:
    """A request's head."""
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: sluice", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def post(path: str, body: bytes, *headers: bytes) -> list[bytes]:
    """A whole request, in pieces of 64 kB."""
    first = head(path, b"Content-Length: %d" % len(body), *headers)
    return [first, *(body[at : at + 65_536] for at in range(0, len(body), 65_536))]


def chunked(path: str, chunks: Iterable[bytes], *headers: bytes, end: bytes = b"0\r\n\r\n") -> Iterator[bytes]:
    """A chunked request. `end`: the last chunk, and the trailer."""
    yield head(path, b"Transfer-Encoding: chunked", *headers)
    for chunk in chunks:
        yield b"%x\r\n%b\r\n" % (len(chunk), chunk)
    yield end
