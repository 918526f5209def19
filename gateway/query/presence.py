"""Whether the client of a read request is still there: what it asked for is dear, and for nobody else."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request

from gateway.http.request import ClientGone

T = TypeVar("T")


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns. It is cancelled when the client hangs up; then `ClientGone` is raised."""
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return working.result()
    finally:
        leaving.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait({working})
            _ = working.cancelled() or working.exception()  # retrieved: nobody else asks for it


async def _gone(request: Request) -> None:
    """Return when the client has hung up. A client that sends a body, which nobody reads, is believed to be there."""
    message = await request.receive()
    while message["type"] != "http.disconnect":
        if message.get("more_body"):
            await asyncio.Event().wait()
        message = await request.receive()
