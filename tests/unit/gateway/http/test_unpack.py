"""Unpacking bodies: the limits, and what they cost in memory."""

import asyncio
import gzip
import os
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import cramjam
import pytest

from gateway.http.unpack import ALWAYS_ALLOWED, THREADS, UNPACKED_INLINE, WIRE_INLINE, Unpacker
from gateway.rejections import TooLarge, Unavailable, Unreadable
from gateway.turns import Turns

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


def brotli(body: bytes) -> bytes:
    return bytes(cramjam.brotli.compress(body))


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACKERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"deflate": zlib.compress,
    b"Deflate ": raw_deflate,
    b"br": brotli,
    b"gzip": gzip.compress,
    b"zstd": lambda body: bytes(cramjam.zstd.compress(body)),
}
BODIES = [b"{}", b'{"a":1}' * 50, os.urandom(30_000), bytes(400_000)]


@pytest.mark.parametrize("coding", PACKERS)
@pytest.mark.parametrize("body", BODIES, ids=len)
@pytest.mark.parametrize("surplus", [b"x", b"{}", b"\xff" * 20, None])
async def test_what_follows_the_end_of_a_stream_is_never_dropped(
    unpacker: Unpacker, coding: bytes, body: bytes, surplus: bytes | None
) -> None:
    packed = PACKERS[coding](body)
    assert await unpacker.unpack(coding, packed) == body
    with pytest.raises(Unreadable):
        await unpacker.unpack(coding, packed + (packed[:-1] if surplus is None else surplus))


@pytest.mark.parametrize("coding", [b"deflate", b"Deflate ", b"br"])
async def test_zeros_behind_deflate_and_brotli_are_more_than_was_packed(unpacker: Unpacker, coding: bytes) -> None:
    for n in (1, 2, 600):
        with pytest.raises(Unreadable):
            await unpacker.unpack(coding, PACKERS[coding](b'{"a":1}') + bytes(n))


@pytest.mark.parametrize("body", [*BODIES, b"", b"a" * 255], ids=len)
@pytest.mark.parametrize("zeros", [1, 2, 7, 8, 9, 511, 20_000])
async def test_zeros_behind_gzip_fill_up_a_block(unpacker: Unpacker, body: bytes, zeros: int) -> None:
    for packed in (gzip.compress(body), gzip.compress(body) + gzip.compress(b"more")):
        assert await unpacker.unpack(b"gzip", packed + bytes(zeros)) == gzip.decompress(packed)
    with pytest.raises(Unreadable):
        await unpacker.unpack(b"gzip", gzip.compress(body) + bytes(zeros) + b"x")


@pytest.mark.parametrize("coding", PACKERS)
@pytest.mark.parametrize("body", BODIES, ids=len)
async def test_what_ends_too_early_is_unreadable(unpacker: Unpacker, coding: bytes, body: bytes) -> None:
    packed = PACKERS[coding](body)
    for cut in {1, 2, len(packed) // 2, len(packed) - 1}:
        with pytest.raises(Unreadable):
            await unpacker.unpack(coding, packed[:-cut])


@pytest.mark.parametrize("coding", [b"deflate", b"Deflate ", b"gzip"])
async def test_a_bomb_is_refused_in_every_packing(unpacker: Unpacker, coding: bytes) -> None:
    bomb = PACKERS[coding](bytes(25 * MB))
    for packed in (bomb, bomb + bytes(100)):
        with pytest.raises(TooLarge):
            await unpacker.unpack(coding, packed)


async def test_many_members_with_zeros_behind_take_no_time_to_refuse(unpacker: Unpacker) -> None:
    with pytest.raises(Unreadable):
        await unpacker.unpack(b"gzip", gzip.compress(b"") * 100_000 + b"\0")


async def test_floods_of_packed_bodies_let_another_projects_pass(unpacker: Unpacker) -> None:
    packed = gzip.compress(os.urandom(WIRE_INLINE) * 60)
    floods = [asyncio.create_task(unpacker.unpack(b"gzip", packed, of)) for of in ("flood", "") for _ in range(50)]
    await asyncio.sleep(0)
    assert len(await unpacker.unpack(b"gzip", packed, "other")) == 60 * WIRE_INLINE
    assert sum(flood.done() for flood in floods) <= 2 * (THREADS + 2), "those begun, and a turn of each"
    await asyncio.gather(*floods)


async def test_beyond_what_may_wait_the_largest_flood_gives_way(
    unpacker: Unpacker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacker, "_turns", Turns(THREADS, 200_000))
    packed = gzip.compress(os.urandom(30_000))
    flood = [asyncio.create_task(unpacker.unpack(b"gzip", packed, "flood")) for _ in range(20)]
    await asyncio.sleep(0)
    assert len(await unpacker.unpack(b"gzip", packed, "other")) == 30_000
    done = await asyncio.gather(*flood, return_exceptions=True)
    assert {type(each) for each in done} == {bytes, Unavailable}
