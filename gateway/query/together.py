"""Questions that are asked side by side, because an answer needs all of them."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar, overload

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


@overload
async def together(a: Awaitable[A], b: Awaitable[B], /) -> tuple[A, B]: ...
@overload
async def together(a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], /) -> tuple[A, B, C]: ...
@overload
async def together(a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], d: Awaitable[D], /) -> tuple[A, B, C, D]: ...
@overload
async def together(
    a: Awaitable[A], b: Awaitable[B], c: Awaitable[C], d: Awaitable[D], e: Awaitable[E], /
) -> tuple[A, B, C, D, E]: ...
@overload
async def together(*questions: Awaitable[A]) -> tuple[A, ...]: ...
async def together(*questions: Awaitable[Any]) -> tuple[Any, ...]:
    """What they return, in their order. Where one is refused, the others are cancelled, and have ended when its
    refusal is raised: what they read is for nobody."""
    asking = [asyncio.ensure_future(each) for each in questions]
    try:
        return tuple(await asyncio.gather(*asking))
    finally:
        for each in asking:
            each.cancel()
        if asking:
            await asyncio.wait(asking)
