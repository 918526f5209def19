"""HTTP answers that are no larger than what a provider has to say."""

from collections.abc import AsyncIterator

import httpx2

MAX_BYTES = 256_000


class BoundedTransport(httpx2.AsyncHTTPTransport):
    """Breaks off an answer of more than `MAX_BYTES` with `httpx2.ReadError`."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Bounded(response.stream)
        return response


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MAX_BYTES
        async for piece in self._stream:
            left -= len(piece)
            if left < 0:
                raise httpx2.ReadError(f"more than {MAX_BYTES:,} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
