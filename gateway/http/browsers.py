"""What lets a browser's page read an answer: the headers, and the preflight (contracts.md, "CORS and origins")."""

import re

from gateway.http.answer import Headers

ALLOWED_HEADERS = "authorization, content-type, content-encoding, x-api-key, x-deeptracer-sdk, idempotency-key"

MAX_ASKED = 64
MAX_ASKED_BYTES = 4_096
"""Headers that a preflight may ask for, and how long their list may be."""

CREDENTIALS = (b"access-control-allow-credentials", b"true")
"""On every answer of an ingest route: a beacon with a blob always asks with credentials. No ingest route reads a
cookie, and no route that reads one may ever answer this."""

_EXPOSE = (
    b"access-control-expose-headers",
    b"X-Request-Id, X-Event-Id, X-Dropped, X-Sluice-Spooled, X-Query-Hint, X-Searched-To, X-Searched-Rows,"
    b" X-Complete-Up-To, X-Complete-Reason, X-Shards-Missing, X-As-Of, Link, Retry-After, X-RateLimit-Limit,"
    b" X-RateLimit-Remaining, X-RateLimit-Reset, X-Sentry-Rate-Limits, X-Sentry-Error",
)
_VARY = (b"vary", b"Origin")

_PLAIN = re.compile(rb"[!-~]{1,512}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def readable(origin: bytes) -> Headers:
    """The CORS headers of an answer to a browser, errors included: who may read it, and which headers."""
    if not _PLAIN.fullmatch(origin):  # no browser sends this, and a header can't hold it
        return [_VARY]
    return [(b"access-control-allow-origin", origin), _VARY, _EXPOSE]


def preflight(methods: str, asked: str | None = None) -> dict[str, str]:
    """The further headers of the 204 to `OPTIONS`, the same for every origin: a preflight carries no key, so the key's
    list of origins is checked with the request itself. `methods` are those of the route, comma-separated.

    `asked`: of an ingest route, the headers that the page wants to send, comma-separated. Instrumentation of a page
    adds its own to every request (`traceparent`, `baggage`, `sentry-trace`), so all of them are allowed.
    """
    allowed = {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": ALLOWED_HEADERS,
        "Access-Control-Max-Age": "600",
    }
    if asked is None:
        return allowed
    further = [name for name in _tokens(asked) if name.lower() not in ALLOWED_HEADERS.split(", ")]
    return allowed | {
        "Access-Control-Allow-Headers": ", ".join((ALLOWED_HEADERS, *further)),
        "Access-Control-Allow-Credentials": "true",
    }


def _tokens(asked: str) -> list[str]:
    """The names in a list of headers; none of them if one is no name, or if there are too many."""
    if len(asked) > MAX_ASKED_BYTES or asked.count(",") >= 2 * MAX_ASKED:
        return []
    names = [name for part in asked.split(",") if (name := part.strip(" \t"))]
    return names if len(names) <= MAX_ASKED and all(map(_TOKEN.fullmatch, names)) else []
