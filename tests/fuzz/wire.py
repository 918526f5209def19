"""HTTP as bytes, for requests that no client library sends, over a few connections at once."""

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from tests.fuzz.requests import Answer, Request

PATIENCE_S = 120.0


def serialized(request: Request) -> bytes:
    """A request as HTTP/1.1."""
    head = [b"%b %b HTTP/1.1" % (request.method.encode(), request.target), b"host: sluice"]
    head += [b"%b: %b" % header for header in request.headers]
    head.append(b"content-length: %d" % len(request.body))
    return b"\r\n".join(head) + b"\r\n\r\n" + request.body


async def read_answer(reader: asyncio.StreamReader, *, has_body: bool = True) -> Answer | None:
    """The next final answer, or None if the connection ends instead."""
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise AssertionError(f"half an answer: {error.partial[:500]!r}") from None
            return None
        except ConnectionError:
            return None
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        if (status := int(first.split(" ")[1])) >= 200:
            break
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    length = next((int(value) for name, value in headers if name == "content-length"), 0)
    body = await reader.readexactly(length) if has_body and status not in (204, 304) else b""
    return Answer(status, headers, body)


async def send_all(
    port: int, requests: Iterable[Request], connections: int, told: Callable[[Request, Answer], None]
) -> None:
    """Send requests over so many connections; `told` gets each answer as it arrives.

    Raises AssertionError for a request that gets no answer.
    """
    waiting = iter(requests)

    async def work() -> None:
        link = None
        for request in waiting:
            if link is None:
                link = await asyncio.open_connection("127.0.0.1", port, limit=1_000_000)
            reader, writer = link
            writer.write(serialized(request))
            async with asyncio.timeout(PATIENCE_S):
                answer = await read_answer(reader, has_body=request.method != "HEAD")
            assert answer is not None, f"no answer to {request}"
            told(request, answer)
            if answer.header("connection") == "close":
                writer.close()
                link = None
        if link is not None:
            link[1].close()

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(work())


async def exchange(port: int, sent: bytes) -> list[int]:
    """The statuses of the answers to raw bytes and the end of the stream."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        with suppress(OSError):
            writer.write_eof()
        async with asyncio.timeout(PATIENCE_S):
            came = await reader.read()
    except ConnectionError:
        return []
    finally:
        writer.close()
    return [int(status) for status in re.findall(rb"(?m)^HTTP/1\.1 (\d\d\d) ", came)]


async def pipelined(port: int, requests: Sequence[Request]) -> list[Answer | None]:
    """The answers to requests that are sent all at once, on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000_000)
    try:
        writer.write(b"".join(map(serialized, requests)))
        async with asyncio.timeout(PATIENCE_S):
            return [await read_answer(reader, has_body=request.method != "HEAD") for request in requests]
    finally:
        writer.close()
