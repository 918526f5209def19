"""How deep a body's JSON is nested: bounded (contracts.md, "Bodies"), so that the writer can decode whatever the
gateway accepts.

A precise look costs more than decoding the body. So the brackets are counted first, in stretches: that shows of all but
strange bodies that they can't be deep.
"""

import re
from collections.abc import Iterator
from itertools import accumulate

MAX_DEPTH = 512
"""Objects and arrays inside one another. Python's decoders stop by themselves at about 950."""

_STRETCH = 32_768

_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_TEXT = re.compile(rb'"[^"]*"')
_PIECE = 1_000_000
_NEITHER_QUOTE_NOR_BRACKET = bytes(byte for byte in range(256) if byte not in b'"[]{}')


def looks_too_deep(body: bytes) -> bool:
    """Whether `is_too_deep` must take its precise look; costs microseconds.

    Brackets inside texts count as brackets here. Closing ones may hide a deep body; the decoders then raise
    RecursionError, which is refused in the same way.
    """
    if len(body) <= 2 * MAX_DEPTH or _opened(body) <= MAX_DEPTH:
        return False
    depth = 0
    for start in range(0, len(body), _STRETCH):
        stretch = body[start : start + _STRETCH]
        opened = _opened(stretch)
        if depth + opened > MAX_DEPTH:
            return True
        if start + _STRETCH < len(body):
            depth = max(0, depth + opened - _count(stretch, b"}") - _count(stretch, b"]"))
    return False


def _opened(text: bytes) -> int:
    return _count(text, b"{") + _count(text, b"[")


def _count(text: bytes, bracket: bytes) -> int:
    """Six times as fast as `bytes.count`, which looks at every byte by itself."""
    return len(text) - len(text.replace(bracket, b""))


def is_too_deep(body: bytes) -> bool:
    """Whether the body is nested deeper than `MAX_DEPTH`, precisely; about 20 ms a megabyte, in bounded memory."""
    depth = 0
    for brackets in _brackets(body):
        for start in range(0, len(brackets), MAX_DEPTH):
            stretch = brackets[start : start + MAX_DEPTH]
            opened = _opened(stretch)
            if depth + opened > MAX_DEPTH and _deepest(stretch, depth) > MAX_DEPTH:
                return True
            depth += opened - (len(stretch) - opened)
    return False


def _brackets(body: bytes) -> Iterator[bytes]:
    """The brackets outside of texts, in order, of one piece of the body after the other."""
    before = b""
    for start in range(0, len(body), _PIECE):
        piece = before + body[start : start + _PIECE]
        escape = b"\\" if (len(piece) - len(piece.rstrip(b"\\"))) % 2 else b""  # cut off from what it escapes
        piece = _ESCAPE.sub(b"", piece.removesuffix(escape) if escape else piece)
        found, quote, _ = _TEXT.sub(b"", piece.translate(None, _NEITHER_QUOTE_NOR_BRACKET)).partition(b'"')
        before = quote + escape  # a text that is still open
        yield found


def _deepest(brackets: bytes, depth: int) -> int:
    return max(accumulate((1 if bracket in b"[{" else -1 for bracket in brackets), initial=depth))
