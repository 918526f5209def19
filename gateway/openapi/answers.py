"""The tree of refusals -> the responses of the document, with the bodies that are really sent as examples."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from gateway.apis.base import Api
from gateway.openapi.schemas import Components, Json
from gateway.rejections import (
    BadRequest,
    EventReused,
    InternalError,
    InvalidSignature,
    KeyReused,
    KeyTooLong,
    LacksScope,
    MethodNotAllowed,
    NotFound,
    OriginNotAllowed,
    RateLimited,
    Rejection,
    TimedOut,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unreadable,
    UnsupportedEncoding,
)

EVERYWHERE: tuple[Rejection, ...] = (
    BadRequest(),
    MethodNotAllowed("GET, HEAD"),
    TimedOut(),
    TooLarge(),
    InternalError(),
)
"""What any route may answer, also to a request that isn't HTTP or never ends."""

WITH_KEY = (Unauthenticated(), OriginNotAllowed(), RateLimited(30), Unavailable())
INGEST = (
    *WITH_KEY,
    LacksScope("ingest"),
    UnsupportedEncoding(),
    Unreadable("not packed as Content-Encoding says"),
    KeyTooLong(),
    KeyReused(),
    EventReused(),
)
DRAIN = (*INGEST, InvalidSignature())
HANDSHAKE = (Unavailable(),)
OF_PATH = (NotFound(),)
"""For a path with a part that may name something the key doesn't own."""


REQUEST_ID = {
    "X-Request-Id": {"required": True, "description": "Names this request.", "schema": {"type": "string"}},
}
COMPLETE = {
    "X-Complete-Up-To": {
        "description": "All that was answered with 2xx before this time is in the answer; `null` for unknown.",
        "schema": {"type": "string"},
    },
    "X-Complete-Reason": {"description": "Why that is unknown.", "schema": {"type": "string"}},
    "X-Shards-Missing": {
        "description": "The shards that the answer lacks, with commas between; only where one is away.",
        "schema": {"type": "string"},
    },
    "X-As-Of": {
        "description": "The state of what was stored, for the parameter `as_of`; `null` for unknown.",
        "schema": {"type": "string"},
    },
}
_LIMITS = {
    "X-RateLimit-Limit": "Requests that the key may make in a minute; absent where the key has no limit.",
    "X-RateLimit-Remaining": "Requests left in this minute.",
    "X-RateLimit-Reset": "When the minute ends, Unix seconds.",
}


def limits(required: bool) -> Json:
    """The rate limit's headers, on every answer once the key is resolved."""
    schema = {"type": "integer", "minimum": 0}
    return {name: {"required": required, "description": text, "schema": schema} for name, text in _LIMITS.items()}


def refusals(api: Api, rejections: Iterable[Rejection], components: Components) -> Json:
    """Status -> response, each with an example of every reason."""
    by_status: dict[int, list[Rejection]] = {}
    for rejection in rejections:
        by_status.setdefault(api.status(rejection), []).append(rejection)
    return {
        str(status): components.response(
            f"{api.name.capitalize()}{status}", _response(api, status, by_status[status], components)
        )
        for status in sorted(by_status)
    }


def _response(api: Api, status: int, rejections: list[Rejection], components: Components) -> Json:
    bodies = {
        f"{rejection.reason}_{n}" if n else rejection.reason: body for rejection, n, body in _bodies(api, rejections)
    }
    shapes = [components.schema(shape) for shape in api.shapes if any(is_like(body, shape) for body in bodies.values())]
    return {
        "description": HTTPStatus(status).phrase,
        "headers": _headers(status, rejections),
        "content": {
            api.media_type: {
                "schema": shapes[0] if len(shapes) == 1 else {"anyOf": shapes},
                "examples": {name: {"value": body} for name, body in bodies.items()},
            },
            **binary(api.also),
        },
    }


def binary(media_types: Iterable[str]) -> Json:
    """The contents of bodies that are no JSON."""
    return {media_type: {"schema": {"type": "string", "contentEncoding": "binary"}} for media_type in media_types}


def _bodies(api: Api, rejections: Iterable[Rejection]) -> Iterable[tuple[Rejection, int, Any]]:
    """(rejection, how many of the same reason came before, body)."""
    seen: dict[str, list[Any]] = {}
    for rejection in rejections:
        body = msgspec.json.decode(api.answer(rejection).body)
        told = seen.setdefault(rejection.reason, [])
        if body not in told:
            yield rejection, len(told), body
            told.append(body)


def is_like(body: Any, shape: type[msgspec.Struct]) -> bool:
    """Whether a JSON value has a shape."""
    try:
        msgspec.convert(body, shape)
    except msgspec.ValidationError:
        return False
    return True


def _headers(status: int, rejections: list[Rejection]) -> Mapping[str, Json]:
    headers: Json = dict(REQUEST_ID)
    told = [rejection.headers() for rejection in rejections]
    if any("Retry-After" in each for each in told):
        schema = {"type": "integer", "minimum": 1}
        headers["Retry-After"] = {"required": True, "description": "Seconds to wait before a retry.", "schema": schema}
    if any("Allow" in each for each in told):
        headers["Allow"] = {"required": True, "description": "The methods of this path.", "schema": {"type": "string"}}
    if status not in (401, 405, 408, 500):
        headers |= limits(required=all(isinstance(each, RateLimited) for each in rejections))
    return headers
