"""Unpacks a body's Content-Encoding: bounded in memory, in size, and in time on the event loop
(contracts.md, "Bodies")."""

import asyncio
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import cramjam

from gateway.rejections import TooLarge, Unreadable, UnsupportedEncoding
from gateway.turns import Turns

UNPACKED_INLINE = 128_000
"""Up to this many bytes are unpacked on the event loop (under half a millisecond), more on a thread."""

WIRE_INLINE = 16_000
"""A body over this size on the wire goes straight to a thread, bytes."""

ALWAYS_ALLOWED = 1_000_000
"""A body may unpack to this size whatever its ratio, bytes: a few equal logs pack very well."""

THREADS = 2
"""Bodies unpacked at the same time, each in a buffer of its own."""

MAX_WAITING = 32_000_000
"""Most bytes of packed bodies that wait for a thread."""

PIECE_BYTES = 256_000
"""zlib is given, and gives, so much at a time."""

MAX_PADDED_MEMBERS = 16
"""Streams that are looked at, one behind the other, in a gzip body with zeros at its end."""

_GZIP = 16 + zlib.MAX_WBITS
_OVERFLOW = "failed to write whole buffer"

Unpack = Callable[[bytes, bytearray], int]
"""(packed body, buffer that never grows) -> bytes written. Raises `cramjam.DecompressionError`."""


class Unpacker:
    """Unpacks bodies.

    1. Nothing is unpacked beyond the limit: the output goes into a buffer of that size, and only the part of it that is
       written takes memory.
    2. The limit is `max_ratio` times the size on the wire, at least `ALWAYS_ALLOWED`, at most `max_bytes`.
    3. The event loop never waits for more than `UNPACKED_INLINE` bytes.
    4. Projects take turns on the threads; whoever's key is not known is of the project ''. Beyond `MAX_WAITING` the
       project with the most that waits gets `Unavailable` (`Turns`).
    """

    def __init__(self, max_bytes: int, max_ratio: int) -> None:
        self._max_bytes = max_bytes
        self._max_ratio = max_ratio
        self._scratch = bytearray(UNPACKED_INLINE)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="unpack")
        self._turns = Turns(THREADS, MAX_WAITING, each=THREADS)

    async def unpack(self, coding: bytes, body: bytes, project_id: str = "") -> bytes:
        """The body, unpacked. `coding` is the value of Content-Encoding.

        Raises:
            UnsupportedEncoding: the coding is not one of `CODINGS`.
            TooLarge: the body unpacks to more than the limit; found out while unpacking.
            Unreadable: the body is not packed as the header says.
            Unavailable: too much waits.
        """
        unpack = CODINGS.get(coding.strip().lower())
        if unpack is None:
            raise UnsupportedEncoding
        limit = min(self._max_bytes, max(ALWAYS_ALLOWED, self._max_ratio * len(body)))
        if len(body) <= WIRE_INLINE:
            try:
                return unpack_into(self._scratch, unpack, body)
            except TooLarge:
                if limit <= UNPACKED_INLINE:
                    raise
        loop = asyncio.get_running_loop()
        await self._turns.take(project_id, len(body))
        try:
            return await loop.run_in_executor(self._threads, lambda: unpack_into(bytearray(limit), unpack, body))
        finally:
            self._turns.give_back(project_id)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def unpack_into(buffer: bytearray, unpack: Unpack, body: bytes) -> bytes:
    try:
        n = unpack(body, buffer)
    except cramjam.DecompressionError as error:
        is_large = _overflowed(error)
    else:
        return bytes(memoryview(buffer)[:n])
    del buffer  # a refusal's traceback would keep it for as long as the refusal lives
    # Not kept in a variable: its traceback leads to this frame, and the circle would keep the whole request.
    raise TooLarge if is_large else Unreadable("not packed as Content-Encoding says")


def _overflowed(error: Exception) -> bool:
    return str(error) == _OVERFLOW


def _gunzip(body: bytes, buffer: bytearray) -> int:
    """gzip, and zeros behind it, with which some writers fill up a block."""
    try:
        return int(cramjam.gzip.decompress_into(body, buffer))
    except cramjam.DecompressionError as error:
        if _overflowed(error) or not body.endswith(b"\0"):
            raise
    n = 0
    for _ in range(MAX_PADDED_MEMBERS):
        n, rest = _zlib(body, buffer, n, _GZIP)
        if not rest.strip(b"\0"):
            return n
        body = rest
    raise cramjam.DecompressionError("too many members")


def _inflate(body: bytes, buffer: bytearray) -> int:
    """`deflate` means zlib's format in RFC 9110, but many clients send bare DEFLATE."""
    if len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0:
        try:
            return _whole(*_zlib(body, buffer, 0, zlib.MAX_WBITS))
        except cramjam.DecompressionError as error:
            if _overflowed(error):
                raise
    return _whole(*_zlib(body, buffer, 0, -zlib.MAX_WBITS))


def _unbrotli(body: bytes, buffer: bytearray) -> int:
    n = int(cramjam.brotli.decompress_into(body, buffer))
    try:  # this decoder doesn't say where the stream ended: then it wouldn't miss the last byte
        cramjam.brotli.decompress_into(body[:-1], buffer)
    except cramjam.DecompressionError:
        return n
    return _whole(n, body[-1:])


def _whole(n: int, rest: bytes) -> int:
    """The size. Raises if there is more behind the end of what was packed: it would be lost without a word."""
    if rest:
        raise cramjam.DecompressionError("more behind the end")
    return n


def _zlib(body: bytes, buffer: bytearray, at: int, window: int) -> tuple[int, bytes]:
    """One stream, written to the buffer from `at` on -> (where it ends in the buffer, what follows it in the body).

    In pieces: in one go zlib would make all of it twice beside the buffer.
    """
    stream = zlib.decompressobj(window)
    for start in range(0, len(body), PIECE_BYTES):
        data: bytes | memoryview = memoryview(body)[start : start + PIECE_BYTES]
        while True:
            try:
                piece = stream.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                raise cramjam.DecompressionError(str(error)) from error
            if at + len(piece) > len(buffer):
                raise cramjam.DecompressionError(_OVERFLOW)
            buffer[at : at + len(piece)] = piece
            at += len(piece)
            if stream.eof:
                return at, stream.unused_data + body[start + PIECE_BYTES :]
            data = stream.unconsumed_tail
            if not data and len(piece) < PIECE_BYTES:
                break  # it needs more of the body
    raise cramjam.DecompressionError("it ends too early")


CODINGS: dict[bytes, Unpack] = {
    b"gzip": _gunzip,
    b"x-gzip": _gunzip,
    b"deflate": _inflate,
    b"br": _unbrotli,
    b"zstd": cramjam.zstd.decompress_into,
}
"""Value of Content-Encoding -> its unpacker. Stacked codings are not supported."""
