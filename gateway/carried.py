"""The key that a request's headers carry (contracts.md, "Keys")."""

import re
from collections.abc import Mapping

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
