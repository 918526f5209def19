"""The key that a request's headers carry (contracts.md, "Keys")."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from shared.formats.intake import Malformed
from shared.formats.sentry.envelope import header_of
from shared.formats.sentry.reading import text

MOST_PARAMETERS = 64
"""Of a query; an SDK's has three."""

_SENTRY_KEY = re.compile(rb"(?:^|[\s,])sentry_key\s*=\s*([^\s,]+)")


def key_of(headers: Mapping[bytes, bytes]) -> str | None:
    """`Authorization: Bearer` wins over `X-API-Key`; None for neither."""
    if (given := headers.get(b"authorization")) is not None:
        scheme, _, token = given.partition(b" ")
        if scheme.lower() == b"bearer":
            return token.strip().decode("latin-1")
    given = headers.get(b"x-api-key")
    return None if given is None else given.strip().decode("latin-1")


def sentry_key_of(headers: Mapping[bytes, bytes]) -> str | None:
    """The key as Sentry's SDKs carry it, `X-Sentry-Auth: Sentry sentry_key=KEY, sentry_version=7` or `Authorization` of
    that form; else as `key_of` finds it. '' for one of that form that names no key: it decides all the same."""
    for name in (b"x-sentry-auth", b"authorization"):
        scheme, _, fields = headers.get(name, b"").strip().partition(b" ")
        if scheme.lower() == b"sentry":
            named = _SENTRY_KEY.search(fields)
            return named[1].decode("latin-1") if named else ""
    return key_of(headers)


def sentry_key_in_query(query: bytes) -> str | None:
    """The key in a query, as Sentry's JavaScript SDKs carry it; None for none."""
    if b"sentry_key" not in query or query.count(b"&") > MOST_PARAMETERS:
        return None
    found = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("sentry_key")
    return found[0] if found else None


def sentry_key_in_envelope(body: bytes) -> str | None:
    """The key in the DSN that an envelope's header has, where an SDK sends through a tunnel; None for none."""
    try:
        header, _ = header_of(body)
        return urlsplit(text(header.dsn)).username
    except (Malformed, ValueError):
        return None
