"""Unpacking bodies: the limits, and what they cost in memory."""

import asyncio
import gzip
import os
from collections.abc import AsyncIterator
from pathlib import Path

import cramjam
import pytest

from gateway.http.unpack import ALWAYS_ALLOWED, UNPACKED_INLINE, Unpacker
from gateway.rejections import TooLarge

MB = 1_000_000


@pytest.fixture
async def unpacker() -> AsyncIterator[Unpacker]:
    made = Unpacker(20 * MB, 200)
    yield made
    await made.close()


def memory() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_refused_bombs_keep_no_memory(unpacker: Unpacker) -> None:
    bomb = gzip.compress(bytes(60 * MB))
    before = memory()
    refused = await asyncio.gather(*(unpacker.unpack(b"gzip", bomb) for _ in range(20)), return_exceptions=True)
    assert {type(refusal) for refusal in refused} == {TooLarge}
    assert memory() - before < 45 * MB  # the buffers of two threads at most, and not those of twenty


@pytest.mark.parametrize("size", [UNPACKED_INLINE - 1, UNPACKED_INLINE, UNPACKED_INLINE + 1, ALWAYS_ALLOWED])
async def test_every_size_comes_out_whole(unpacker: Unpacker, size: int) -> None:
    body = os.urandom(size // 100) * 100 + bytes(size % 100)
    for coding, packed in ((b"gzip", gzip.compress(body)), (b"zstd", bytes(cramjam.zstd.compress(body)))):
        assert await unpacker.unpack(coding, packed) == body


async def test_the_ratio_is_limited_beyond_a_megabyte(unpacker: Unpacker) -> None:
    packed = bytes(cramjam.zstd.compress(bytes(ALWAYS_ALLOWED)))
    assert 200 * len(packed) < ALWAYS_ALLOWED
    assert len(await unpacker.unpack(b"zstd", packed)) == ALWAYS_ALLOWED
    with pytest.raises(TooLarge):
        await unpacker.unpack(b"zstd", bytes(cramjam.zstd.compress(bytes(ALWAYS_ALLOWED + 1))))


async def test_several_members_of_gzip_are_one_body(unpacker: Unpacker) -> None:
    assert await unpacker.unpack(b"gzip", gzip.compress(b'{"a":') + gzip.compress(b"1}")) == b'{"a":1}'
