"""A key's list of origins: which browsers' pages may use it (contracts.md, "CORS and origins").

A request without `Origin` comes from no browser: it passes, at the cost of a dict lookup.
"""

import re
from collections.abc import Mapping, Sequence

from gateway.rejections import OriginNotAllowed

_HOSTS = re.compile(r"[^/:@?#\s]+")


def check_origin(allowed: Sequence[str], given: Mapping[bytes, bytes]) -> None:
    """Raise `OriginNotAllowed` for a browser's page that isn't on the key's list; an empty list allows all."""
    if not allowed or (origin := given.get(b"origin")) is None:
        return
    text = origin.decode("latin-1").lower()
    if not any(_matches(_without_slash(pattern.lower()), text) for pattern in allowed):
        raise OriginNotAllowed


def _without_slash(pattern: str) -> str:
    """Keys of old may have an origin with a slash at its end; `file://` ends with two of its own."""
    return pattern if pattern.endswith("//") else pattern.rstrip("/")


def _matches(pattern: str, origin: str) -> bool:
    """`https://*.example.com` matches every host below example.com, but not example.com itself; the port counts."""
    start, star, end = pattern.partition("*")
    if not star:
        return origin == pattern
    if not origin.startswith(start) or not origin.endswith(end) or len(origin) <= len(start) + len(end):
        return pattern == "*"
    return pattern == "*" or _HOSTS.fullmatch(origin[len(start) : len(origin) - len(end)]) is not None
