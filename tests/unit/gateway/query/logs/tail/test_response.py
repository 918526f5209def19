"""A tail's connection: it waits for its client, and its place is free when it ends."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.types import Message

from gateway.query.logs.tail import route
from gateway.query.logs.tail.events import events
from gateway.query.logs.tail.follow import News
from gateway.query.logs.tail.route import TailResponse
from gateway.query.tails import Tails
from gateway.rejections import RateLimited, Unauthenticated, Unavailable
from shared.keys import ResolvedKey
from shared.metrics import Metrics
from tests.event_stream import read_events

KEY = ResolvedKey(key_id="k", project_id="p", scopes=frozenset({"read"}))
SCOPE = {"type": "http", "method": "GET", "headers": []}


class Client:
    """Takes what is sent while it reads, and may hang up."""

    def __init__(self) -> None:
        self.reads = asyncio.Event()
        self.left = asyncio.Event()
        self.came = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            await self.reads.wait()
            self.came += 1

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}


class Content:
    """Events without an end; says how many were made, and whether it was closed."""

    def __init__(self) -> None:
        self.made = 0
        self.closed = False

    async def events(self) -> AsyncIterator[bytes]:
        try:
            while True:
                self.made += 1
                yield b"data: x\n\n"
                await asyncio.sleep(0)
        finally:
            self.closed = True


async def turns() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


async def test_nothing_is_made_for_a_client_that_does_not_read_and_it_may_hang_up() -> None:
    client, content, tails = Client(), Content(), Tails()
    answering = asyncio.create_task(
        TailResponse(content.events(), {}, tails, KEY)(SCOPE, client.receive, client.send)  # type: ignore[arg-type]
    )
    await turns()
    assert (content.made, tails.open) == (1, 1)
    client.reads.set()
    await turns()
    assert content.made > 2
    client.reads.clear()
    await turns()
    made = content.made
    await turns()
    assert content.made == made
    client.left.set()
    await answering
    assert content.closed
    assert tails.open == 0


async def test_a_key_that_is_revoked_ends_its_tail_and_a_store_that_is_away_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(route, "ASK_AGAIN_S", 0.0)
    answers: list[Exception | None] = [None, Unavailable(), RateLimited(5), Unauthenticated(), None]

    async def ask() -> None:
        if error := answers.pop(0):
            raise error

    async def news() -> AsyncIterator[News]:
        while True:
            yield News(None, None)

    content = route.while_allowed(news(), ask)
    stream = b"".join([each async for each in events(content, Tails(), Metrics())])
    assert read_events(stream)[-1].json == {"reason": Unauthenticated.sentence}
    assert answers == [None]


async def test_the_head_alone_opens_nothing() -> None:
    client, content, tails = Client(), Content(), Tails()
    client.reads.set()
    response = TailResponse(content.events(), {}, tails, KEY)
    await response({**SCOPE, "method": "HEAD"}, client.receive, client.send)
    assert (content.made, tails.open) == (0, 0)
