"""The headers of every answer, no matter where it comes from: a route, Starlette, or the connection itself."""

from collections.abc import Iterator

from starlette.types import Message, Scope, Send

from gateway.http.answer import Answer, Headers
from gateway.http.browsers import readable
from gateway.http.cycle import CYCLE, Cycle
from gateway.http.headers import HEADERS

_NAME = "sluice.answer_headers"


def standing_headers(request_ids: Iterator[bytes], origin: bytes | None) -> Headers:
    """`X-Request-Id` and, for a browser's page, who may read the answer (contracts.md, "Answer headers")."""
    headers: Headers = [(b"x-request-id", next(request_ids))]
    if origin is not None:
        headers += readable(origin)
    return headers


async def send_answer(scope: Scope, send: Send, answer: Answer, headers: Headers) -> None:
    """Send an answer with these headers before its own."""
    headers = [*headers, *answer.headers]
    cycle: Cycle | None = scope.get(CYCLE)
    if cycle is not None and cycle.answer(answer.status, headers, answer.body):
        return
    headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def answer_headers(scope: Scope) -> Headers:
    """The headers that the answer to a request routed by Starlette will get: a list to append to."""
    headers: Headers = scope.setdefault(_NAME, [])
    return headers


def with_answer_headers(scope: Scope, send: Send, request_ids: Iterator[bytes], *, private: bool = False) -> Send:
    """`send`, adding the headers of `answer_headers` that the answer doesn't have already. What is private, no page of
    another site may read."""
    headers = answer_headers(scope)
    headers += standing_headers(request_ids, None if private else scope[HEADERS].get(b"origin"))

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message.get("headers", ()))
            there = {name for name, _ in own}
            message["headers"] = own + [header for header in headers if header[0] not in there]
        await send(message)

    return send_with_headers
