"""`GET /api/v1/projects/{project_id}/logs/tail` (reading.md, "Tail")."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any

from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.openapi import Described
from gateway.query.deps import QueryDeps
from gateway.query.language.parameter import hint_header
from gateway.query.logs.tail.events import events
from gateway.query.logs.tail.follow import News, Tail, follow
from gateway.query.logs.tail.openapi import project_tail
from gateway.query.logs.tail.query import LAST_EVENT_ID, TailQuery, parse_tail
from gateway.query.parameters import Parameters
from gateway.query.question import PROJECT
from gateway.query.tails import Holder, Tails
from gateway.rejections import RateLimited, Unavailable

PATH = f"{PROJECT}/logs/tail"

GRACE_S = 2.0
"""For the last event when the process stops; then the tail is cancelled."""

ASK_AGAIN_S = 30.0
"""How often an open tail asks whether its key is still valid."""


def tail_routes(deps: QueryDeps) -> list[Described]:
    """With and without a trailing slash. It checks what other routes check, in their order, and then whether there is
    room for one more tail (429, 503)."""

    async def tail(request: Request) -> Response:
        key = await deps.project_key(request)
        asked = parse_tail(Parameters(tail_items(request)))
        news = news_of(deps, key.project_id, asked, lambda: deps.reading_key(request))
        content = events(news, deps.tails, deps.metrics)
        return TailResponse(content, hint_header(asked.query.hints), deps.tails, key)

    return [Described(PATH + slash, deps.counted(PATH, tail), {"GET": project_tail}) for slash in ("", "/")]


async def while_allowed(news: AsyncIterator[News], ask: Callable[[], Awaitable[object]]) -> AsyncIterator[News]:
    """The news until `ask`, which is called now and then, refuses the key. What passes refuses nothing: the store of
    keys being away, or a limit of requests."""
    asked_at = monotonic()
    async for each in news:
        if monotonic() >= asked_at + ASK_AGAIN_S:
            asked_at = monotonic()
            with suppress(Unavailable, RateLimited):
                await ask()
        yield each


class TailResponse(EventSourceResponse):
    """Counts as open from when it is made until its client has left, or has taken all. It sends an event when the
    client has taken most of those before; meanwhile nothing is read for it."""

    def __init__(self, content: AsyncIterator[bytes], headers: Mapping[str, str], tails: Tails, holder: Holder) -> None:
        # Without its pings: a tail is never silent for long.
        super().__init__(content, headers=headers, ping=0, shutdown_grace_period=GRACE_S)
        tails.begin(holder)
        self._left: Any = lambda: tails.end(holder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._left()


def news_of(
    deps: QueryDeps, project_id: str, asked: TailQuery, ask: Callable[[], Awaitable[object]]
) -> AsyncIterator[News]:
    """What comes while `ask` refuses nothing."""
    tail = Tail(deps.reader, deps.complete, deps.tails, project_id, asked.query, asked.since)
    return while_allowed(follow(tail, deps.tails, asked.seconds), ask)


def tail_items(request: Request) -> list[tuple[str, str]]:
    """The parameters. A browser that connects again sends the id that it has got in a header, and the address that it
    began with: of a repeated parameter the last one counts."""
    header = request.headers.get("last-event-id")
    return request.query_params.multi_items() + ([(LAST_EVENT_ID, header)] if header else [])
