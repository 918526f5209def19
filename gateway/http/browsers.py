"""What lets a browser's page read an answer: the headers, and the preflight (contracts.md, "CORS and origins")."""

import re

from gateway.http.answer import Headers

ALLOWED_HEADERS = "authorization, content-type, content-encoding, x-api-key, x-deeptracer-sdk, idempotency-key"
_EXPOSE = (
    b"access-control-expose-headers",
    b"X-Request-Id, X-Event-Id, X-Dropped, Link, Retry-After,"
    b" X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset",
)
_VARY = (b"vary", b"Origin")

_PLAIN = re.compile(rb"[!-~]{1,512}")


def readable(origin: bytes) -> Headers:
    """The CORS headers of an answer to a browser, errors included: who may read it, and which headers."""
    if not _PLAIN.fullmatch(origin):  # no browser sends this, and a header can't hold it
        return [_VARY]
    return [(b"access-control-allow-origin", origin), _VARY, _EXPOSE]


def preflight(methods: str) -> dict[str, str]:
    """The further headers of the 204 to `OPTIONS`, the same for every origin: a preflight carries no key, so the key's
    list of origins is checked with the request itself. `methods` are those of the route, comma-separated.
    """
    return {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": ALLOWED_HEADERS,
        "Access-Control-Max-Age": "600",
    }
