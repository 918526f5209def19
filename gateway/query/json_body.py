"""Small JSON bodies of requests that change what people have made: read whole, and checked field by field."""

from typing import Any, Generic, TypeVar

import msgspec
from starlette.requests import Request

from gateway.apis.proliferate import API
from gateway.http.body import Bodies
from gateway.http.deadlines import Deadlines
from gateway.http.request import Request as Incoming
from gateway.http.unpack import Unpacker
from gateway.rejections import InvalidBody, MalformedJson, Rejection
from gateway.validation.contract import node_of
from gateway.validation.faults import Walker

MAX_BYTES = 65_536
"""Largest body, on the wire and unpacked."""

HELD_BYTES = 4_000_000
"""Of all such bodies that are in memory."""

T = TypeVar("T", bound=msgspec.Struct)


def small_bodies(deadlines: Deadlines) -> Bodies:
    """What these bodies have in common. They may take as long as `deadlines` says."""
    return Bodies(MAX_BYTES, HELD_BYTES, Unpacker(MAX_BYTES, max_ratio=1), deadlines)


async def read_body(request: Request, bodies: Bodies, project_id: str) -> bytes:
    """The body of a request without its Content-Encoding.

    Raises `TooLarge`, `TimedOut`, `Unavailable`, `UnsupportedEncoding`, `Unreadable`, `ClientGone`.
    """
    incoming = Incoming(request.scope, request.receive, bodies)
    try:
        await incoming.read()
        await incoming.unpack(project_id)
        return incoming.body
    finally:
        incoming.forget()


class JsonBody(Generic[T]):
    """Bodies that are one object with the fields of a struct, and no others: the struct's type has
    `forbid_unknown_fields`."""

    def __init__(self, kind: type[T]) -> None:
        self.kind = kind
        self._decode = msgspec.json.Decoder(kind).decode
        self._node = node_of(kind)
        self._names = [info.encode_name for info in msgspec.structs.fields(kind)]

    def parse(self, body: bytes) -> T:
        """Raises `MalformedJson`, and `InvalidBody`, which names every fault."""
        try:
            return self._decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise self._refusal(body) from None

    def _refusal(self, body: bytes) -> Rejection:
        try:
            given = msgspec.json.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return MalformedJson(API.malformed(body))
        answer = API.invalid(Walker(API.length).faults(self._node, given))
        answer["detail"] += self._extra(given)
        return InvalidBody(answer)

    def _extra(self, given: Any) -> list[dict[str, Any]]:
        """Issues of the fields that there aren't. One of them is named: a body has room for thousands."""
        unknown = [name for name in given if name not in self._names] if isinstance(given, dict) else []
        message = "Extra inputs are not permitted"
        return [
            {"type": "extra_forbidden", "loc": ["body", n[:100]], "msg": message, "input": None} for n in unknown[:1]
        ]
