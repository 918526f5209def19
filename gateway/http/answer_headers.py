"""Headers that a step of a request puts on whatever answer it gets, errors too.

Ingest routes hold such a list themselves; this is for the routes that Starlette answers.
"""

from collections.abc import Iterator

from starlette.types import Message, Scope, Send

from gateway.origins import readable

_NAME = "sluice.answer_headers"

Headers = list[tuple[bytes, bytes]]


def answer_headers(scope: Scope) -> Headers:
    """The list to add to."""
    headers: Headers = scope.setdefault(_NAME, [])
    return headers


def with_answer_headers(scope: Scope, send: Send, request_ids: Iterator[bytes]) -> Send:
    """`send`, with the list's headers on the answer where they are not there already.

    From the start the list holds what every answer carries (03): `X-Request-Id` and, for browsers, who may read it.
    """
    headers = answer_headers(scope)
    headers.append((b"x-request-id", next(request_ids)))
    for name, value in scope["headers"]:
        if name == b"origin":
            headers += readable(value)

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message.get("headers", ()))
            there = {name for name, _ in own}
            message["headers"] = own + [header for header in headers if header[0] not in there]
        await send(message)

    return send_with_headers
