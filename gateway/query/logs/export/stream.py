"""An export on its way to the client."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack

import structlog
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from gateway.http.overdue import PROGRESS
from gateway.http.request import ClientGone
from gateway.query.answer import Held
from gateway.query.presence import while_connected
from gateway.query.reader import TooBig
from gateway.rejections import Unavailable

_log = structlog.get_logger(__name__)

MAX_S = 3_600
"""How long an export may take, seconds."""


class ExportResponse(StreamingResponse):
    """Parts of a file. The next one is made when the client has taken most of those before.

    1. Where a part can't be made the connection ends, so that the client sees that the file isn't whole.
    2. When the client hangs up, what is under way for it is cancelled.
    3. `running` is left at the end, whatever that is.
    """

    def __init__(
        self,
        parts: AsyncIterator[Sequence[bytes]],
        headers: Mapping[str, str],
        held: Held,
        project_id: str,
        running: ExitStack,
    ) -> None:
        super().__init__((), headers=headers)
        self._parts = parts
        self._held = held
        self._project_id = project_id
        self._running = running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._running:
            try:
                async with asyncio.timeout(MAX_S):
                    await while_connected(Request(scope, receive), self._give(scope, send))
            except ClientGone:
                pass
            except (TooBig, Unavailable, TimeoutError) as error:
                _log.warning("an export broke off", project_id=self._project_id, error=repr(error))

    async def _give(self, scope: Scope, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] != "HEAD":
            async for part in self._parts:
                size = sum(map(len, part))
                self._held.add(self._project_id, size)
                try:
                    for piece in part:
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
                        scope[PROGRESS] = object()
                finally:
                    self._held.add(self._project_id, -size)
        await send({"type": "http.response.body", "body": b""})
