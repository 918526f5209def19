"""The port of probes and scrapers stands what strangers send."""

import asyncio

import pytest

from shared.endpoint import Answer, Endpoint


async def asked(port: int, request: bytes) -> bytes:
    """The answer; nothing if the connection is cut off."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        writer.write_eof()
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def fine() -> Answer:
    return Answer(200, "text/plain", b"fine")


@pytest.mark.parametrize("garbage", [b"", b"\r\n\r\n", b"GET", b"x" * 100_000, b"\x00\xff\r\n\r\n", b"GET  \r\n\r\n"])
async def test_what_is_no_request_gets_no_page_and_the_next_one_its_answer(garbage: bytes) -> None:
    endpoint = Endpoint({"/health": fine})
    port = await endpoint.start("127.0.0.1", 0)
    assert b"fine" not in await asked(port, garbage)
    head, _, body = (await asked(port, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")).partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 200 OK",
        b"Content-Type: text/plain",
        b"Content-Length: 4",
        b"Connection: close",
    ]
    assert body == b"fine"
    await endpoint.stop()


async def test_connections_beyond_the_most_are_closed_at_once() -> None:
    endpoint = Endpoint({"/health": fine})
    port = await endpoint.start("127.0.0.1", 0)
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
    assert await asked(port, b"GET /health HTTP/1.1\r\n\r\n") == b""
    for _, writer in silent[1:]:
        writer.close()
        await writer.wait_closed()
    async with asyncio.timeout(60):
        while not await asked(port, b"GET /health HTTP/1.1\r\n\r\n"):  # the server hears of the closed ones soon
            pass
    await endpoint.stop()
    reader, writer = silent[0]
    assert await reader.read() == b""  # whoever still asked is cut off at the end
    writer.close()
