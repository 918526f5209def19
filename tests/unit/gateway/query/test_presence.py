"""What is asked for a client that hangs up is not worked at any longer."""

import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from gateway.http.request import ClientGone
from gateway.query.answer import Held, PiecesResponse
from gateway.query.presence import while_connected
from gateway.rejections import Unavailable


def request_of(*messages: dict[str, Any]) -> Request:
    """A request that receives these messages, then nothing."""
    left = list(messages)

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    return Request({"type": "http", "method": "GET", "headers": []}, receive)


EMPTY = {"type": "http.request", "body": b"", "more_body": False}
GONE = {"type": "http.disconnect"}


async def test_the_answer_of_a_client_that_stays_is_given() -> None:
    async def work() -> Response:
        await asyncio.sleep(0.01)
        return Response(b"x")

    assert (await while_connected(request_of(EMPTY), work())).body == b"x"


async def test_the_work_for_a_client_that_leaves_is_cancelled() -> None:
    ended = asyncio.Event()

    async def work() -> Response:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    async with asyncio.timeout(5):
        with pytest.raises(ClientGone):
            await while_connected(request_of(EMPTY, GONE), work())
    assert ended.is_set()


async def test_what_the_work_raises_is_raised() -> None:
    async def work() -> Response:
        raise Unavailable

    with pytest.raises(Unavailable):
        await while_connected(request_of(EMPTY), work())


async def test_a_body_that_nobody_reads_is_no_hanging_up() -> None:
    async def work() -> Response:
        await asyncio.sleep(0.05)
        return Response(b"x")

    request = request_of({"type": "http.request", "body": b"x", "more_body": True}, GONE)
    assert (await while_connected(request, work())).body == b"x"


async def test_answers_that_are_not_taken_are_counted_for_their_project() -> None:
    held = Held(most=100)
    taken = asyncio.Event()

    async def send(message: Any) -> None:
        await taken.wait()

    held.admit("p", 50)
    answering = asyncio.create_task(PiecesResponse([b"x" * 50], {}, held, "p")({}, None, send))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        held.admit("p", 1)
    held.admit("q", 50)
    with pytest.raises(Unavailable):
        held.admit("q", 51)
    taken.set()
    await answering
    assert held.total == 0
    held.admit("p", 50)


async def test_pieces_are_one_answer_with_its_length() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    pieces = [b"a" * 200_000, b"b" * 100_000, b"c"]
    await PiecesResponse(pieces, {"Link": "x"}, Held(), "p")({}, None, send)  # type: ignore[arg-type]
    assert (b"content-length", b"300001") in sent[0]["headers"]
    assert (b"link", b"x") in sent[0]["headers"]
    assert [(message["body"], message["more_body"]) for message in sent[1:]] == [
        (pieces[0], True), (pieces[1], True), (pieces[2], False),
    ]  # fmt: skip
