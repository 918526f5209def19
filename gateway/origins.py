"""Browsers: the headers that let a page read our answers, the preflight, and a key's list of origins (03, "CORS").

A request without `Origin` comes from no browser: it passes, and pays a look into a dict.
"""

import re
from collections.abc import Mapping, Sequence

from gateway.http.answer import Headers
from gateway.rejections import OriginNotAllowed

ALLOWED_HEADERS = "authorization, content-type, content-encoding, x-api-key, x-deeptracer-sdk, idempotency-key"
_EXPOSE = (
    b"access-control-expose-headers",
    b"X-Request-Id, X-Event-Id, X-Dropped, Link, Retry-After,"
    b" X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset",
)
_VARY = (b"vary", b"Origin")

_PLAIN = re.compile(rb"[!-~]{1,512}")
_HOSTS = re.compile(r"[^/:@?#\s]+")


def readable(origin: bytes) -> Headers:
    """What an answer to a browser carries, also an error: who may read it, and which headers."""
    if not _PLAIN.fullmatch(origin):  # no browser sends such a thing, and it can't be sent back
        return [_VARY]
    return [(b"access-control-allow-origin", origin), _VARY, _EXPOSE]


def preflight(methods: str) -> dict[str, str]:
    """What the 204 to `OPTIONS` carries besides, whoever asks: it has no key, so the key's list is looked at with the
    request itself. `methods` are those of the route, comma-separated.
    """
    return {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": ALLOWED_HEADERS,
        "Access-Control-Max-Age": "600",
    }


def check_origin(allowed: Sequence[str], given: Mapping[bytes, bytes]) -> None:
    """Raise `OriginNotAllowed` for a browser's page that isn't on the key's list; an empty list allows all."""
    if not allowed or (origin := given.get(b"origin")) is None:
        return
    text = origin.decode("latin-1").lower()
    if not any(_matches(pattern.lower().rstrip("/"), text) for pattern in allowed):
        raise OriginNotAllowed


def _matches(pattern: str, origin: str) -> bool:
    """`https://*.example.com` are all hosts below example.com, however deep, but not itself; the port counts."""
    start, star, end = pattern.partition("*")
    if not star:
        return origin == pattern
    if not origin.startswith(start) or not origin.endswith(end) or len(origin) <= len(start) + len(end):
        return pattern == "*"
    return pattern == "*" or _HOSTS.fullmatch(origin[len(start) : len(origin) - len(end)]) is not None
