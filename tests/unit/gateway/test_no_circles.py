"""A request that fails leaves nothing that only the garbage collector can free (performance.md, "The garbage
collector"): its exception would hold the request, and with it the body."""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from gateway.http.deadlines import Deadlines
from gateway.http.unpack import UNPACKED_INLINE, Unpacker
from gateway.lookups import Lookups
from gateway.turns import Turns

Failing = Callable[[], Awaitable[object]]


async def circles(failing: Failing) -> int:
    """How many objects are left in circles by what fails."""
    with suppress(Exception):
        await failing()  # whatever is made once is made now
    gc.collect()
    gc.disable()
    try:
        failed = False
        try:
            await failing()
        except Exception:
            failed = True
        assert failed
        await asyncio.sleep(0)
        return gc.collect()
    finally:
        gc.enable()


@pytest.mark.parametrize("size", [1_000, 10_000_000], ids=["inline", "on a thread"])
@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd"])
async def test_a_body_that_can_not_be_unpacked(coding: bytes, size: int) -> None:
    unpacker = Unpacker(UNPACKED_INLINE, 10)
    assert await circles(lambda: unpacker.unpack(coding, b"x" * size)) == 0
    await unpacker.close()


async def test_no_turn() -> None:
    async def failing() -> None:
        turns = Turns(1, 10)
        await turns.take("a")
        loses = asyncio.create_task(turns.take("a", 10))
        await asyncio.sleep(0)
        wins = asyncio.create_task(turns.take("b", 4))
        await asyncio.sleep(0)
        wins.cancel()
        try:
            await loses
        finally:
            del loses, wins

    assert await circles(failing) == 0


async def test_a_wait_that_is_ended() -> None:
    deadlines = Deadlines(60)

    async def failing() -> None:
        wait = deadlines.begin()
        deadlines.end_early(wait)
        try:
            await asyncio.sleep(1)
        finally:
            deadlines.end(wait)

    assert await circles(failing) == 0
    await deadlines.close()


async def test_a_look_up_that_fails() -> None:
    async def ask(ids: object) -> dict[str, int]:
        raise ValueError("away")

    lookups = Lookups(ask)
    assert await circles(lambda: lookups.find("a")) == 0
