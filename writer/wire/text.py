"""A String column: each value is its length in bytes, as a varint, and its UTF-8."""

from collections.abc import Iterable, Sequence
from typing import Any

from writer.wire.column import Unusual, WireColumn


def _varint(number: int) -> bytes:
    """7 bits a byte, the lowest first; the high bit is set where another byte follows."""
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    made.append(number)
    return bytes(made)


_LENGTHS = [_varint(length) for length in range(128**2)]
_LENGTHS_AS_TEXT = [encoded.decode("latin-1") for encoded in _LENGTHS]
"""One character for each byte, so that lengths and ASCII texts can be joined, and then encoded at once."""


class Text(WireColumn):
    def __init__(self, type: str, limit: int | None = None) -> None:
        super().__init__(type, limit)
        self._parts: list[bytes] = []

    def encode(self, values: Sequence[Any]) -> bytes:
        return encoded(values, self.limit)

    def append(self, encoded: bytes, n: int) -> None:
        self._parts.append(encoded)
        self.rows += n

    def fill(self, n: int) -> None:
        self.append(bytes(n), n)  # so many lengths of 0

    def wire(self) -> list[bytes]:
        return self._parts

    def _decoded(self) -> list[bytes]:
        return _split(b"".join(self._parts), self.rows)


def encoded(values: Sequence[Any], limit: int | None) -> bytes:
    """Values of str and bytes, also mixed, as they stand in a column.

    Raises `Unusual`, TypeError, UnicodeEncodeError.
    """
    lengths = list(map(len, values))
    if limit is not None and max(lengths) > limit:
        raise Unusual
    try:
        text = "".join(values)
    except TypeError:  # bytes, or something else
        return prefixed(list(map(as_bytes, values)))
    if "\0" in text:
        raise Unusual
    if not text.isascii():
        return prefixed([value.encode() for value in values])
    try:
        return "".join(_interleaved(map(_LENGTHS_AS_TEXT.__getitem__, lengths), values)).encode("latin-1")
    except IndexError:
        return prefixed([value.encode() for value in values])


def as_bytes(value: Any) -> bytes:
    """A value of a text column. Raises `Unusual`, TypeError, UnicodeEncodeError."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} is no text")
    if "\0" in value:
        raise Unusual
    return value.encode()


def prefixed(values: list[bytes]) -> bytes:
    """Values behind their lengths."""
    try:
        return b"".join(_interleaved(map(_LENGTHS.__getitem__, map(len, values)), values))
    except IndexError:  # one of 16 kB or more
        return b"".join([_varint(len(value)) + value for value in values])


def _interleaved(lengths: Iterable[Any], values: Sequence[Any]) -> list[Any]:
    """Each value behind its length. Slices are filled in C: four times as fast as a comprehension."""
    parts = [None] * (2 * len(values))
    parts[::2] = lengths
    parts[1::2] = values
    return parts


def _split(data: bytes, n: int) -> list[bytes]:
    """The `n` values of a column."""
    values, at = [], 0
    for _ in range(n):
        size = shift = 0
        more = True
        while more:
            size |= (data[at] & 127) << shift
            more = data[at] > 127
            at, shift = at + 1, shift + 7
        values.append(data[at : at + size])
        at += size
    return values
