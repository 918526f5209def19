"""How messages are stored in the queue file: packed together, so that small ones cost little and repetition is free."""

from collections.abc import Sequence
from typing import NamedTuple

import cramjam
import msgspec

from shared.queue.base import Message
from shared.queue.sqlite.checksum import CHECKSUM_BYTES, Corrupt, opened, sealed

SEGMENT_BYTES = 1_000_000  # unpacked, about: a reader unpacks a whole segment at once
ZSTD_LEVEL = 3
_KEPT_BYTES = 500_000

Keyed = tuple[bytes | None, bytes]  # key, value

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[list[bytes | None] | None, list[bytes]])


class Segment(NamedTuple):
    """Messages packed together: MessagePack of `[keys or null, values]`, in zstd."""

    messages: int
    data: bytes
    """Its checksum, which covers its place, is added when that is known."""

    @property
    def size(self) -> int:
        """Bytes that it takes in the file."""
        return len(self.data) + CHECKSUM_BYTES

    def at(self, first: int, timestamp_ms: int) -> bytes:
        """As it is stored."""
        return sealed(self.data, first, first + self.messages, timestamp_ms)


def pack(messages: Sequence[Keyed]) -> list[Segment]:
    """Pack messages, in order, into as many segments as their size asks for."""
    segments, start, size = [], 0, 0
    for index, (_, value) in enumerate(messages, 1):
        size += len(value)
        if size >= SEGMENT_BYTES or index == len(messages):
            segments.append(_pack(messages[start:index]))
            start, size = index, 0
    return segments


def unpack(data: bytes, first: int, end: int, timestamp_ms: int) -> tuple[list[Message], int]:
    """The messages of a segment, which has the offsets `first <= offset < end`, and their size unpacked, in bytes.

    Of a segment that is damaged there is one message, at its last offset: nobody reads on before it was seen.
    """
    try:
        content = decompress(data, first, end, timestamp_ms)
        messages = _messages(content, first, timestamp_ms)
        if len(messages) != end - first:
            raise Corrupt(f"it holds {len(messages)} messages")
    except (Corrupt, msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        return [damaged(end - 1, timestamp_ms, None, data, f"the messages {first} to {end - 1}", error)], len(data)
    return messages, len(content)


def damaged(offset: int, timestamp_ms: int, key: bytes | None, data: bytes, what: str, error: Exception) -> Message:
    """Stands for what can't be read, with as much of it as a dead letter can hold."""
    damage = f"the queue file is corrupt where it holds {what}: {error}"
    return Message(offset, timestamp_ms, key, data[:_KEPT_BYTES], damage)


def compress(value: bytes) -> bytes:
    return bytes(cramjam.zstd.compress(value, ZSTD_LEVEL))


def decompress(data: bytes, *place: int | bytes) -> bytes:
    """What was compressed and stored at this place. Raises `Corrupt`."""
    try:
        return bytes(cramjam.zstd.decompress(opened(data, *place)))
    except cramjam.DecompressionError as error:
        raise Corrupt(str(error)) from error


def _messages(content: bytes, first: int, timestamp_ms: int) -> list[Message]:
    keys, values = _decoder.decode(content)
    if keys is None:
        return [Message(offset, timestamp_ms, None, value) for offset, value in enumerate(values, first)]
    pairs = enumerate(zip(keys, values, strict=True), first)
    return [Message(offset, timestamp_ms, key, value) for offset, (key, value) in pairs]


def _pack(messages: Sequence[Keyed]) -> Segment:
    keys = [key for key, _ in messages]
    content = (keys if any(key is not None for key in keys) else None, [value for _, value in messages])
    return Segment(len(messages), compress(_encoder.encode(content)))
