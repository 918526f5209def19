"""`NaN`, `Infinity` and `-Infinity`: Python writes them, and JSON has no such numbers (contracts.md, "What is valid").

Where an API takes them, each becomes a list that nobody else sends, so that whatever wants a text, a number or an
object still refuses it. When the records are judged, the lists become texts.
"""

import re
import secrets
from typing import Any

_NEXT = re.compile(
    rb'((?:[^"NI-]++|"(?:[^"\\]++|\\.)*+"|-(?!Infinity))*+)'  # texts and all else, none of it looked at twice
    rb"(NaN|-?Infinity)(?![ \t\r\n]*+:)",  # which can't be a key
    re.DOTALL,
)
_MARK = secrets.token_hex(3).encode()
_MARKED = frozenset(_MARK.decode() + name for name in ("NaN", "Infinity", "-Infinity"))
_HELD = re.compile(rb'\["%b(NaN|-?Infinity)"\]' % _MARK)


def held(text: bytes) -> bytes:
    """A body with each such number as a list of one marked text. What is no JSON otherwise stays none."""
    if b"NaN" not in text and b"Infinity" not in text:
        return text
    parts: list[bytes] = []
    at = 0
    while found := _NEXT.match(text, at):
        if not at and not found[1].strip():
            return text  # no value of a field: the whole body
        parts += (found[1], b'["', _MARK, found[2], b'"]')
        at = found.end()
    parts.append(text[at:])
    return b"".join(parts)


def is_held(value: Any) -> bool:
    """Whether a parsed value is one of the lists of `held`, and no array that a client sent."""
    return isinstance(value, list) and len(value) == 1 and isinstance(value[0], str) and value[0] in _MARKED


def released(text: bytes) -> bytes:
    """JSON with the texts of such numbers where `held` put its lists."""
    return _HELD.sub(rb'"\1"', text) if _MARK in text else text
