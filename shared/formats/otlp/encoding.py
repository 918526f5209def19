"""In which encoding a request came."""

from shared.formats.intake import Unwrap
from shared.formats.lenient_json import BOM, valid_utf8

_PROTOBUF = ("application/x-protobuf", "application/protobuf")
_JSON = "application/json"

MANY_TAGS = 40_000
"""Bytes that begin a message, in a body of at most 256 kB; usual ones have half as many."""


def is_json(content_type: str, body: bytes) -> bool:
    """Whether a request is JSON and not protobuf. Without a Content-Type that says so its first byte does: `{` can't
    begin a protobuf request."""
    if is_protobuf(content_type):
        return False
    return _named(content_type) == _JSON or not body or _is_object(body)


def _is_object(body: bytes) -> bool:
    return body[:1024].removeprefix(BOM).lstrip(b" \t\r\n")[:1] == b"{"


def is_protobuf(content_type: str) -> bool:
    return _named(content_type) in _PROTOBUF


def _named(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def is_heavy(body: bytes) -> bool:
    """Whether a body has so many messages that to decode them takes more than a few milliseconds."""
    if len(body) <= 2 * MANY_TAGS:  # no message is smaller than two bytes
        return False
    if _is_object(body):
        return body.count(b"{") > MANY_TAGS
    return body.count(b"\n") + body.count(b"\x12") + body.count(b"{") > MANY_TAGS  # or JSON behind many blanks


def by_encoding(protobuf: str, json: str) -> Unwrap:
    """Takes a body to be of the one format or of the other."""

    def unwrap(body: bytes, content_type: str) -> list[tuple[str, bytes]]:
        return [(json, valid_utf8(body))] if is_json(content_type, body) else [(protobuf, body)]

    return unwrap
