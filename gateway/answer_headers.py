"""Headers that a step of a request puts on whatever answer it gets, errors too.

Ingest routes hold such a list themselves; this is for the routes that Starlette answers.
"""

from starlette.types import Message, Scope, Send

_NAME = "sluice.answer_headers"

Headers = list[tuple[bytes, bytes]]


def answer_headers(scope: Scope) -> Headers:
    """The list to add to."""
    headers: Headers = scope.setdefault(_NAME, [])
    return headers


def with_answer_headers(scope: Scope, send: Send) -> Send:
    """`send`, with the list's headers on the answer."""
    headers = answer_headers(scope)

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return send_with_headers
