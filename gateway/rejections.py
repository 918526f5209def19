"""Why a request is refused: one tree, one table to HTTP. Handlers raise, `respond` is the only one that answers.

The reason labels the metric; the sentences are the contract's (03, "Statuses").
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from shared.formats.base import Api

_encode = msgspec.json.Encoder().encode


class Rejection(Exception):
    """A request that is answered with an error. Nothing of it was acknowledged.

    `sentence` is what every API says; `proliferate` where that one says something else. `retryable` answers carry
    `Retry-After`, seconds.
    """

    status: ClassVar[int]
    reason: ClassVar[str]
    sentence: ClassVar[str]
    proliferate: ClassVar[str] = ""
    retryable: ClassVar[bool] = False
    retry_after_s: int = 1

    def body(self, api: Api) -> Any:
        """The JSON value of the answer."""
        if api == "proliferate":
            return {"detail": self.proliferate or self.sentence}
        return {"error": self.sentence}

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after_s)} if self.retryable else {}


class Worded(Rejection):
    """A body that can't be taken, with the whole answer in the words of its API (`gateway.apis`)."""

    status = 400

    def __init__(self, answer: Any) -> None:
        super().__init__(self.sentence)
        self.answer = answer

    def body(self, api: Api) -> Any:
        return self.answer


class BadRequest(Rejection):
    """It isn't even HTTP."""

    status = 400
    reason = "http"
    sentence = "Malformed HTTP request"


class MalformedJson(Worded):
    reason = "malformed"
    sentence = "Malformed JSON in request body"


class InvalidBody(Worded):
    """It breaks its format's contract."""

    reason = "invalid"
    sentence = "Invalid request body"


class Unreadable(Rejection):
    """A body that is no JSON whatever its format says: it can't be unpacked, or is nested too deeply."""

    status = 400
    reason = "malformed"
    sentence = MalformedJson.sentence

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why

    def body(self, api: Api) -> Any:
        if api == "proliferate":
            detail = {"type": "json_invalid", "loc": ["body", 0], "msg": "JSON decode error", "input": {}}
            return {"detail": [detail | {"ctx": {"error": self.why}}]}
        return super().body(api)


class Unauthenticated(Rejection):
    status = 401
    reason = "unauthenticated"
    sentence = "Missing or invalid API key"
    proliferate = "Invalid API key"


class LacksScope(Rejection):
    """The key is known but not for this."""

    status = 403
    reason = "scope"
    sentence = "API key lacks the ingest scope"

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope

    def body(self, api: Api) -> Any:
        text = f"API key lacks the {self.scope} scope"
        return {"detail": text} if api == "proliferate" else {"error": text}


class OriginNotAllowed(Rejection):
    status = 403
    reason = "origin"
    sentence = "Origin not allowed"


class InvalidSignature(Rejection):
    """A drain's delivery that its project's secret didn't sign."""

    status = 403
    reason = "signature"
    sentence = "signature didn't match"

    def body(self, api: Api) -> Any:
        return {"code": "invalid_signature", "error": self.sentence}


class NotFound(Rejection):
    status = 404
    reason = "not_found"
    sentence = "Not found"


class MethodNotAllowed(Rejection):
    status = 405
    reason = "method"
    sentence = "Method not allowed"

    def __init__(self, allow: str) -> None:
        super().__init__(allow)
        self.allow = allow

    def headers(self) -> dict[str, str]:
        return {"Allow": self.allow}


class TimedOut(Rejection):
    """The rest of the request didn't come. It may still come: the connection is of no use any more."""

    status = 408
    reason = "timeout"
    sentence = "Request timed out"

    def headers(self) -> dict[str, str]:
        return {"Connection": "close"}


class TooLarge(Rejection):
    status = 413
    reason = "too_large"
    sentence = "Request body too large"


class UnsupportedEncoding(Rejection):
    status = 415
    reason = "encoding"
    sentence = "Unsupported content encoding"


class KeyTooLong(Rejection):
    """An Idempotency-Key over 255 characters."""

    status = 400
    reason = "idempotency_key"
    sentence = "Idempotency-Key is longer than 255 characters"

    def body(self, api: Api) -> Any:
        if api == "proliferate":
            text = "String should have at most 255 characters"
            loc = ["header", "idempotency-key"]
            detail = {"type": "string_too_long", "loc": loc, "msg": text, "input": None, "ctx": {"max_length": 255}}
            return {"detail": [detail]}
        return super().body(api)


class KeyReused(Rejection):
    """An Idempotency-Key that another body came with before."""

    status = 400
    reason = "idempotency_reused"
    sentence = "Idempotency-Key was used with another request body"


class RateLimited(Rejection):
    """The key has used up its minute; `Retry-After` says how long that still lasts."""

    status = 429
    reason = "rate_limited"
    sentence = "Rate limit exceeded"
    retryable = True

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(self.sentence)
        self.retry_after_s = max(1, retry_after_s)


class InternalError(Rejection):
    status = 500
    reason = "internal"
    sentence = "Internal error"


class Unavailable(Rejection):
    """The queue, or who knows the keys, is away: nothing is acknowledged, the client tries again."""

    status = 503
    reason = "unavailable"
    sentence = "Service temporarily unavailable"
    proliferate = "Log storage temporarily unavailable"
    retryable = True


_PROLIFERATE_STATUS: Mapping[type[Rejection], int] = {
    MalformedJson: 422,
    InvalidBody: 422,
    Unreadable: 422,
    KeyTooLong: 422,
    KeyReused: 422,
}


def api_of(path: str) -> Api:
    """Whose error bodies a path is answered with."""
    return "proliferate" if path.startswith("/api/v1/") else "deeptracer"


def respond(rejection: Rejection, api: Api) -> tuple[int, bytes, dict[str, str]]:
    """(status, JSON body, headers) of the answer."""
    status = rejection.status
    if api == "proliferate":
        status = _PROLIFERATE_STATUS.get(type(rejection), status)
    return status, _encode(rejection.body(api)), rejection.headers()
