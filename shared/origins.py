"""Origins of pages, as browsers write them in `Origin` (contracts.md, "CORS and origins")."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_NEVER_SENT = {
    "data": "null",
    "javascript": "null",
    "about": "null",
    "blob": "the origin of the page that made it",
    "ws": "http://... or https://..., the page's own",
    "wss": "http://... or https://..., the page's own",
}
_OPAQUE = re.compile(r"[a-z][a-z0-9+.-]*://[a-z0-9._~:%!$&()+=\[\]-]*")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_DEVIATING = frozenset("\u00df\u03c2\u200c\u200d")
"""Characters that browsers and Python's codec put into different ASCII."""

_LONGEST_HOST = 253


class NoOrigin(ValueError):
    """A text that no browser sends as an origin. It says why."""


def normal_origin(text: str) -> str:
    """The origin as browsers write it. Raises `NoOrigin` for a text that could never match one.

    `null`, `file://` and those of apps and extensions (`capacitor://localhost`, `app://.`, `chrome-extension://id`)
    are matched exactly. Of `http` and `https` the host is lower case and ASCII, a default port and the slash at the end
    are dropped, and the first label may be `*`.
    """
    sent = text.strip().lower()
    if not sent.isprintable() or " " in sent:
        raise NoOrigin(f"{text!r} is no origin: it has no spaces and no control characters")
    if sent == "null":
        return sent
    scheme, found, rest = sent.partition("://")
    if not found or not scheme:
        raise NoOrigin(f"{text!r} is no origin: write https://app.example.com or https://*.example.com")
    if scheme in _NEVER_SENT:
        raise NoOrigin(f"{text!r} is no origin: for a page of {scheme}: browsers send {_NEVER_SENT[scheme]}")
    if scheme in _DEFAULT_PORTS:
        return _of_web(scheme, text, sent)
    origin = f"{scheme}://{rest.rstrip('/')}"
    if not _OPAQUE.fullmatch(origin):
        raise NoOrigin(f"{text!r} is no origin: behind {scheme}:// comes a name without path, query or user")
    return origin


def _of_web(scheme: str, text: str, sent: str) -> str:
    try:
        parts = urlsplit(sent)
        port, host = parts.port, parts.hostname or ""
    except ValueError as error:
        raise NoOrigin(f"{text!r} is no origin: {error}") from None
    if parts.path not in ("", "/") or parts.query or parts.fragment or "?" in sent or "#" in sent:
        raise NoOrigin(f"{text!r} is no origin: it ends behind host and port, without a path")
    if "@" in parts.netloc:
        raise NoOrigin(f"{text!r} is no origin: it names no user")
    if port == 0 or parts.netloc.endswith(":"):
        raise NoOrigin(f"{text!r} is no origin: browsers send no such port")
    ending = "" if port in (None, _DEFAULT_PORTS[scheme]) else f":{port}"
    return f"{scheme}://{_host(text, host, parts)}{ending}"


def _host(text: str, host: str, parts: SplitResult) -> str:
    if "[" in parts.netloc:
        try:
            return f"[{IPv6Address(host)}]"
        except AddressValueError as error:
            raise NoOrigin(f"{text!r} is no origin: {error}") from None
    star, found, name = host.partition("*.")
    if found and not star:
        return f"*.{_name(text, name)}"
    return _name(text, host)


def _name(text: str, host: str) -> str:
    """A host as browsers write it: in ASCII. A dot at its end counts."""
    if not host.isascii():
        if _DEVIATING & set(host):
            raise NoOrigin(f"{text!r} is no origin as browsers write it: write its host in ASCII (xn--...)")
        try:
            host = host.encode("idna").decode()
        except UnicodeError as error:
            raise NoOrigin(f"{text!r} is no origin: its host can't be written in ASCII ({error})") from None
    labels = host.removesuffix(".").split(".")
    if len(host) > _LONGEST_HOST or not all(map(_LABEL.fullmatch, labels)):
        raise NoOrigin(f"{text!r} is no origin: {host!r} is no host; only its first label may be *")
    if re.fullmatch(r"\d+|0x[0-9a-f]*", labels[-1]):
        try:
            return str(IPv4Address(host))
        except AddressValueError:
            raise NoOrigin(f"{text!r} is no origin: browsers write an address as four decimal numbers") from None
    return host
