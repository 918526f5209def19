"""A request's headers by name, where they say one thing only."""

from collections.abc import Sequence

from gateway.rejections import Ambiguous

HEADERS = "sluice.headers"
"""Where a request's scope has its headers by name."""

_ONCE = (b"authorization", b"x-api-key", b"x-sentry-auth", b"origin", b"content-length", b"content-encoding", b"host")
"""There is one of each: a proxy may have looked at another one than we would."""


def unambiguous(sent: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers of a request by name. Raises `Ambiguous` for what two servers may read in two ways."""
    headers = dict(sent)
    if len(headers) != len(sent) or b"transfer-encoding" in headers:
        names = [name for name, _ in sent]
        if any(names.count(name) > 1 for name in (*_ONCE, b"transfer-encoding")):
            raise Ambiguous
        # Of several codings over one another each server reads another length.
        if headers.get(b"transfer-encoding", b"chunked").strip().lower() != b"chunked":
            raise Ambiguous
    return headers
