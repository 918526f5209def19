"""Why a request is refused: one tree. Handlers raise, the request's API answers (`gateway.apis`).

The reason labels the metric; the sentences are the contract's (contracts.md, "Statuses").
"""

from typing import Any, ClassVar

MAX_KEY = 255
"""Longest Idempotency-Key, characters."""


class Rejection(Exception):
    """A request that is answered with an error. Nothing of it was acknowledged.

    `status` and `sentence` apply where an API defines none of its own. Answers that are `retryable` carry
    `Retry-After`, seconds.
    """

    status: ClassVar[int]
    reason: ClassVar[str]
    sentence: str
    retryable: ClassVar[bool] = False
    retry_after_s: int = 1

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after_s)} if self.retryable else {}


class Worded(Rejection):
    """A body that can't be accepted, with the whole answer in the words of its API."""

    status = 400

    def __init__(self, answer: Any) -> None:
        super().__init__(self.sentence)
        self.answer = answer


class Answered(Rejection):
    """A request whose whole answer was made elsewhere, by a process aside."""

    status = 400
    sentence = "Bad request"

    def __init__(self, reason: str, answer: Any) -> None:
        super().__init__(reason)
        self.reason = reason  # type: ignore[misc]
        self.answer = answer


class BadRequest(Rejection):
    """It isn't even HTTP."""

    status = 400
    reason = "http"
    sentence = "Malformed HTTP request"


class Ambiguous(BadRequest):
    """It is HTTP that two servers may read in two ways: nothing more is read from its connection."""

    def headers(self) -> dict[str, str]:
        return {"Connection": "close"}


class MalformedJson(Worded):
    reason = "malformed"
    sentence = "Malformed JSON in request body"


class InvalidBody(Worded):
    """It breaks its format's contract."""

    reason = "invalid"
    sentence = "Invalid request body"


class BadEvent(Rejection):
    """The one record of a request breaks its contract."""

    status = 400
    reason = "invalid"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Unreadable(Rejection):
    """A body that can't be read, whatever its format: it can't be unpacked, or is nested too deeply."""

    status = 400
    reason = "malformed"
    sentence = MalformedJson.sentence

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Unauthenticated(Rejection):
    status = 401
    reason = "unauthenticated"
    sentence = "Missing or invalid API key"


class LacksScope(Rejection):
    """The key is known but lacks a scope."""

    status = 403
    reason = "scope"

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.sentence = f"API key lacks the {scope} scope"


class OriginNotAllowed(Rejection):
    status = 403
    reason = "origin"
    sentence = "Origin not allowed"


class InvalidSignature(Rejection):
    """A drain's delivery that its project's secret didn't sign."""

    status = 403
    reason = "signature"
    sentence = "signature didn't match"


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
    """The rest of the request didn't arrive in time. It still may, so the connection can't be used again."""

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
    """An Idempotency-Key over `MAX_KEY` characters."""

    status = 400
    reason = "idempotency_key"
    sentence = f"Idempotency-Key is longer than {MAX_KEY} characters"


class KeyReused(Rejection):
    """An Idempotency-Key that came with another body before."""

    status = 400
    reason = "idempotency_reused"
    sentence = "Idempotency-Key was used with another request body"


class EventReused(Rejection):
    """An event whose id came with another body before."""

    status = 400
    reason = "event_reused"
    sentence = "event_id was used with another request body"


class RateLimited(Rejection):
    """The key has used up its minute; `Retry-After` says how much of it is left."""

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
    """The queue or the store of keys is away: nothing is acknowledged, and the client should try again."""

    status = 503
    reason = "unavailable"
    sentence = "Service temporarily unavailable"
    retryable = True
