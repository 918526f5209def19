"""Stored values as an answer has them, whichever table they come from."""

import re
from math import isfinite

import msgspec

_LONG = re.compile(rb"\d{99}")
_EXPONENT = re.compile(rb"[eE]\+?\d{3}")
"""Also in every third UUID."""
_STRING_OR_NUMBER = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*', re.DOTALL)

_decode = msgspec.json.Decoder().decode


def text_of(value: str | bytes) -> str:
    """The driver returns bytes for a value that isn't UTF-8. Only an INSERT from elsewhere can have stored one."""
    return value if isinstance(value, str) else value.decode(errors="replace")


def json_of(value: str | bytes) -> msgspec.Raw:
    """Stored JSON unchanged, except that a number too large for a double becomes null: many parsers reject such a
    number, and one row would make a whole page unreadable. Ingest passes such numbers on without looking for them."""
    text = value.encode() if isinstance(value, str) else value
    return msgspec.Raw(_STRING_OR_NUMBER.sub(_held, text) if _has_huge(text) else text)


def _has_huge(text: bytes) -> bool:
    """Whether JSON may hold a number that no double does. One decoding tells; the precise look is 30 times as dear."""
    if _LONG.search(text):
        return True
    if not _EXPONENT.search(text):
        return False
    try:
        _decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return True
    return False


def _held(found: re.Match[bytes]) -> bytes:
    token = found[0]
    return token if token.startswith(b'"') or isfinite(float(token)) else b"null"
