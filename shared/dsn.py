"""The DSN that Sentry's SDKs take: where to send, and with which key (sentry.md, "The DSN")."""

import re
from urllib.parse import urlsplit

PROJECT = "1"
"""SDKs refuse a DSN without digits at its end. Nobody looks at them: the key says whose project it is."""

_KEY = re.compile(r"\w+", re.ASCII)


class NoDsn(ValueError):
    """No DSN can be made; the text says why."""


def dsn_of(url: str, key: str) -> str:
    """The DSN of a key, for the gateway at a URL such as `https://logs.example.com`. Raises `NoDsn`."""
    if not _KEY.fullmatch(key):
        raise NoDsn(
            "a DSN can't hold this key: Sentry's JavaScript SDKs take letters, digits and _ only, and send nothing for"
            " others; make another one with sluice key rotate"
        )
    try:
        at = urlsplit(url)
        host = at.hostname
    except ValueError:
        host = None
    if not host or at.scheme not in ("http", "https") or at.query or at.fragment:
        raise NoDsn(f"{url!r} is no address of a gateway: name it as https://logs.example.com")
    place = at.netloc.rpartition("@")[2]
    return f"{at.scheme}://{key}@{place}{at.path.rstrip('/')}/{PROJECT}"
