"""What every answer carries, whoever gives it: the request's id, and for browsers who may read it (03)."""

from collections.abc import Iterator

from starlette.types import Message, Scope, Send

from gateway.origins import readable


def marked(scope: Scope, send: Send, request_ids: Iterator[bytes]) -> Send:
    """`send` that adds to an answer `X-Request-Id` and the headers for browsers, where they are not there already.

    For all but the ingest routes, which put them in themselves: a wrapper would cost them more than the headers do.
    """
    marks = [(b"x-request-id", next(request_ids))]
    for name, value in scope["headers"]:
        if name == b"origin":
            marks += readable(value)

    async def send_marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            there = {name for name, _ in headers}
            message["headers"] = headers + [mark for mark in marks if mark[0] not in there]
        await send(message)

    return send_marked
