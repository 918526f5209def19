"""A request between a connection and the application, with connections that have no socket."""

import asyncio
import gc
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from gateway import apis
from gateway.http.answer import Answer, Headers
from gateway.http.answer_headers import send_answer
from gateway.http.connection import Connection, Framing
from gateway.http.cycle import CYCLE
from gateway.http.ids import request_ids
from gateway.http.overdue import Idle
from tests.unit.gateway.http.transports import Transport

POST = b"POST /p?a=b%20c HTTP/1.1\r\nHost: s\r\nContent-Length: 5\r\n\r\nhello"


class Echo:
    """Answers with the body, under `headers`; keeps the scopes and whether the body was there at once."""

    def __init__(self) -> None:
        self.headers: Headers = [(b"x-a", b"1")]
        self.scopes: list[dict[str, Any]] = []
        self.at_once: list[bool] = []
        self.failed: list[Exception] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = scope[CYCLE].whole_body()
        self.scopes.append(dict(scope))
        self.at_once.append(body is not None)
        more = body is None
        body = body or b""
        while more:
            message = await receive()
            body += message["body"]
            more = message["more_body"]
        try:
            await send_answer(scope, send, Answer(200, body), self.headers)
        except RuntimeError as error:
            self.failed.append(error)
            raise


def connected(application: Any) -> Any:
    state = ServerState()
    state.default_headers = [(b"date", b"today")]
    config = uvicorn.Config(application, log_config=None, interface="asgi3", proxy_headers=False)
    connection = Connection(
        config=config,
        server_state=state,
        app_state={},
        request_ids=request_ids(),
        apis=apis.load(),
        framing=Framing(),
        left=lambda connection: None,
    )
    connection.connection_made(Transport())
    return connection


async def sends(connection: Any, *pieces: bytes) -> bytes:
    """What is answered to a request in pieces."""
    connection.transport.written = b""
    for piece in pieces:
        connection.data_received(piece)
        for _ in range(5):
            await asyncio.sleep(0)
    written: bytes = connection.transport.written
    return written


async def test_an_answer_is_one_text_with_its_headers_in_order() -> None:
    answer = await sends(connected(Echo()), POST)
    assert answer == b"HTTP/1.1 200 OK\r\ndate: today\r\nx-a: 1\r\ncontent-length: 5\r\n\r\nhello"


@pytest.mark.parametrize("cut", [0, 30, len(POST) - 5, len(POST) - 3])
async def test_a_body_is_there_at_once_or_received_piece_by_piece(cut: int) -> None:
    echo = Echo()
    answer = await sends(connected(echo), POST[:cut], POST[cut:])
    assert answer.endswith(b"\r\n\r\nhello")
    assert echo.at_once == [cut < len(POST) - 5]


async def test_the_scope_says_what_was_asked() -> None:
    echo = Echo()
    await sends(connected(echo), POST.replace(b"/p?", b"/%61%2Fp?"))
    (scope,) = echo.scopes
    assert (scope["method"], scope["path"], scope["raw_path"], scope["query_string"], scope["http_version"]) == (
        "POST",
        "/a/p",
        b"/%61%2Fp",
        b"a=b%20c",
        "1.1",
    )


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb", b"a\0b"])
async def test_a_header_that_would_end_its_line_is_never_sent(value: bytes) -> None:
    echo = Echo()
    echo.headers = [(b"x-a", value)]
    answer = await sends(connected(echo), POST)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"cookie" not in answer
    assert echo.failed


async def test_a_head_request_gets_no_body() -> None:
    answer = await sends(connected(Echo()), POST.replace(b"POST", b"HEAD"))
    assert answer.endswith(b"content-length: 5\r\n\r\n")


async def test_an_answer_that_closes_says_so() -> None:
    connection = connected(Echo())
    answer = await sends(connection, POST.replace(b"Host: s", b"Host: s\r\nConnection: close"))
    assert b"\r\nconnection: close\r\n" in answer
    assert connection.transport.ended == "closed"


async def test_an_answer_may_end_the_connection() -> None:
    echo = Echo()
    echo.headers = [(b"connection", b"close")]
    connection = connected(echo)
    answer = await sends(connection, POST)
    assert answer.lower().count(b"connection: close") == 1
    assert connection.transport.ended == "closed"


async def test_nothing_is_written_to_a_client_that_takes_nothing() -> None:
    connection = connected(Echo())
    connection.pause_writing()
    assert await sends(connection, POST) == b""
    connection.resume_writing()
    assert (await sends(connection, b"")).endswith(b"\r\n\r\nhello")


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    answer = await sends(connected(Echo()), POST + POST.replace(b"hello", b"there") + POST)
    assert [part[:5] for part in answer.split(b"\r\n\r\n")[1:]] == [b"hello", b"there", b"hello"]


async def test_a_request_leaves_no_task_and_nothing_for_the_collector() -> None:
    connection = connected(Echo())
    await sends(connection, POST, POST[:-3], POST[-3:])
    gc.collect()
    gc.disable()
    try:
        await sends(connection, POST, POST[:-3], POST[-3:])
        connection.app.scopes.clear()
        assert gc.collect() == 0
    finally:
        gc.enable()
    assert not connection.tasks


async def test_a_connection_between_two_requests_ends_after_its_time() -> None:
    connection = connected(Echo())
    idle = Idle(connection.server_state, 10)
    idle.sweep(0.0)
    await sends(connection, POST)
    idle.sweep(100.0)
    idle.sweep(109.0)
    await sends(connection, POST)  # from here on anew
    idle.sweep(110.0)
    idle.sweep(119.0)
    assert not connection.transport.ended
    await sends(connection, POST[:-2])
    idle.sweep(130.0)
    assert not connection.transport.ended
    await sends(connection, POST[-2:])
    idle.sweep(140.0)
    idle.sweep(150.0)
    assert connection.transport.ended == "closed"
