"""An export on its way to the client (reading.md, "Export"), over a connection that has no socket."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from gateway.query.answer import Held
from gateway.query.logs.export.stream import ExportResponse
from gateway.rejections import Unavailable
from tests.unit.gateway.http.test_cycle import connected

GET = b"GET /p HTTP/1.1\r\nHost: s\r\n\r\n"
END = b"0\r\n\r\n"


async def whole() -> AsyncIterator[Sequence[bytes]]:
    yield [b"one\n", b"two\n"]
    yield []
    yield [b'{"manifest":{}}\n']


async def breaking_off() -> AsyncIterator[Sequence[bytes]]:
    yield [b"one\n"]
    raise Unavailable


class Exporting:
    """Answers with an export of these parts."""

    def __init__(self, parts: AsyncIterator[Sequence[bytes]]) -> None:
        self.held = Held()
        self.left = asyncio.Event()
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        running = ExitStack()
        running.callback(self.left.set)
        headers = {"Content-Type": "application/x-ndjson"}
        await ExportResponse(self._parts, headers, self.held, "p", running)(scope, receive, send)


async def answered(application: Exporting) -> Any:
    """The connection once the answer is over."""
    connection = connected(application)
    connection.data_received(GET)
    async with asyncio.timeout(10):
        await application.left.wait()
        while connection.cycle.task in connection.tasks:  # noqa: ASYNC110 - the connection tells nobody
            await asyncio.sleep(0)
    return connection


async def test_a_whole_file_is_ended_and_nothing_of_it_stays() -> None:
    application = Exporting(whole())
    connection = await answered(application)
    head, _, body = connection.transport.written.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    assert b"content-length" not in head
    assert body == b"4\r\none\n\r\n4\r\ntwo\n\r\n10\r\n" + b'{"manifest":{}}\n' + b"\r\n" + END
    assert not connection.transport.is_closing()
    assert application.held.total == 0


@pytest.mark.filterwarnings("error")
async def test_what_breaks_off_is_not_ended_but_the_connection_is() -> None:
    application = Exporting(breaking_off())
    connection = await answered(application)
    assert connection.transport.written.endswith(b"4\r\none\n\r\n")
    assert connection.transport.is_closing()
    assert application.held.total == 0


async def test_who_hangs_up_is_left_alone() -> None:
    stuck = asyncio.Event()
    ended: list[bool] = []

    async def never() -> AsyncIterator[Sequence[bytes]]:
        yield [b"one\n"]
        try:
            stuck.set()
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    application = Exporting(never())
    connection = connected(application)
    connection.data_received(GET)
    async with asyncio.timeout(10):
        await stuck.wait()
        connection.connection_lost(None)
        await application.left.wait()
    assert ended
