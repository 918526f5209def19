"""Questions that are asked side by side."""

import asyncio
from collections.abc import Awaitable

import pytest

from gateway.query.together import together


class Refused(Exception):
    pass


async def refused() -> None:
    await asyncio.sleep(0)
    raise Refused


async def answered(value: int) -> int:
    return value


class Endless:
    """A question that takes until it is cancelled, and a moment to end then."""

    ended = False

    async def ask(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.ended = True


async def test_answers_come_in_the_order_of_the_questions() -> None:
    assert await together(answered(1), answered(2), answered(3)) == (1, 2, 3)
    none: list[Awaitable[int]] = []
    assert await together(*none) == ()


async def test_where_one_is_refused_the_others_have_ended() -> None:
    endless = Endless()
    with pytest.raises(Refused):
        await together(endless.ask(), refused(), refused())
    assert endless.ended


async def test_who_is_cancelled_leaves_no_question_behind() -> None:
    endless = Endless()
    asking = asyncio.ensure_future(together(endless.ask(), answered(1)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert endless.ended
