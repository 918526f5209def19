"""How messages are stored in the queue file: packed together, so that small ones cost little and repetition is free."""

from collections.abc import Sequence
from typing import NamedTuple

import cramjam
import msgspec

from shared.queue.base import Message

SEGMENT_BYTES = 1_000_000  # unpacked, about: a reader unpacks a whole segment at once
ZSTD_LEVEL = 3

Keyed = tuple[bytes | None, bytes]  # key, value

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[list[bytes | None] | None, list[bytes]])


class Segment(NamedTuple):
    """Messages packed together: MessagePack of `[keys or null, values]`, in zstd."""

    messages: int
    data: bytes


def pack(messages: Sequence[Keyed]) -> list[Segment]:
    """Pack messages, in order, into as many segments as their size asks for."""
    segments, start, size = [], 0, 0
    for index, (_, value) in enumerate(messages, 1):
        size += len(value)
        if size >= SEGMENT_BYTES or index == len(messages):
            segments.append(_pack(messages[start:index]))
            start, size = index, 0
    return segments


def unpack(data: bytes, first: int, timestamp_ms: int) -> tuple[list[Message], int]:
    """The messages of a segment whose first offset is `first`, and their size unpacked, in bytes."""
    content = bytes(cramjam.zstd.decompress(data))
    keys, values = _decoder.decode(content)
    if keys is None:
        return [Message(offset, timestamp_ms, None, value) for offset, value in enumerate(values, first)], len(content)
    pairs = enumerate(zip(keys, values, strict=True), first)
    return [Message(offset, timestamp_ms, key, value) for offset, (key, value) in pairs], len(content)


def compress(value: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(value, ZSTD_LEVEL))


def decompress(data: bytes) -> bytes:
    return bytes(cramjam.zstd.decompress(data))


def _pack(messages: Sequence[Keyed]) -> Segment:
    keys = [key for key, _ in messages]
    content = (keys if any(key is not None for key in keys) else None, [value for _, value in messages])
    return Segment(len(messages), compress(_encoder.encode(content)))
