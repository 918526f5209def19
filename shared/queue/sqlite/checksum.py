"""A checksum behind each packed piece of the queue file: zstd doesn't notice every flipped bit.

It stands in a skippable frame of zstd, which every reader of zstd passes over: a version of this program without
checksums reads the pieces too, and a piece without one is an older version's.
"""

import struct
from zlib import crc32

_FRAME = struct.Struct("<III")  # magic, size of what follows, the checksum
_MAGIC = 0x184D2A5C

CHECKSUM_BYTES = _FRAME.size


class Corrupt(Exception):
    """What the queue file holds is not what was written; the text says how that shows."""


def sealed(data: bytes, *place: int | bytes) -> bytes:
    """The piece with its checksum, which covers its place in the file too: offsets, times, keys."""
    return data + _FRAME.pack(_MAGIC, 4, _sum(data, place))


def opened(data: bytes, *place: int | bytes) -> bytes:
    """The piece without its checksum. Raises `Corrupt`."""
    if len(data) < _FRAME.size:
        return data
    magic, size, checksum = _FRAME.unpack_from(data, len(data) - _FRAME.size)
    if (magic, size) != (_MAGIC, 4):
        return data
    content = data[: -_FRAME.size]
    if _sum(content, place) != checksum:
        raise Corrupt("its checksum is wrong")
    return content


def _sum(data: bytes, place: tuple[int | bytes, ...]) -> int:
    total = crc32(data)
    for each in place:
        total = crc32(each if isinstance(each, bytes) else b"%d," % each, total)
    return total
