"""Answers as JSON, in pieces. A thread makes them: a large answer takes a while."""

from collections.abc import Iterator
from typing import Any

import msgspec

PIECE_BYTES = 65_536
"""Pieces of an answer are at least this large, but for the last one."""

_encode = msgspec.json.Encoder().encode


def rendered(*parts: msgspec.Struct) -> list[bytes]:
    """One object of the fields of all parts. A list is written element by element: one call for all of it would hold
    the interpreter, and with it the event loop, all the time."""
    pieces: list[bytes] = []
    piece = bytearray()
    for text in _texts(parts):
        piece += text
        if len(piece) >= PIECE_BYTES:
            pieces.append(bytes(piece))
            piece.clear()
    pieces.append(bytes(piece))
    return pieces


def _texts(parts: tuple[msgspec.Struct, ...]) -> Iterator[bytes]:
    before = b"{"
    for part in parts:
        for field in msgspec.structs.fields(part):
            yield b'%b"%b":' % (before, field.encode_name.encode())
            yield from _value(getattr(part, field.name))
            before = b","
    yield b"}"


def _value(value: Any) -> Iterator[bytes]:
    if not isinstance(value, list) or not value:
        yield _encode(value)
        return
    before = b"["
    for each in value:
        yield before + _encode(each)
        before = b","
    yield b"]"
