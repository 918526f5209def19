"""Who is refused when bodies take all the memory that they may have."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.http.body import SMALL_BYTES, Bodies
from gateway.http.deadlines import Deadlines
from gateway.http.headers import HEADERS
from gateway.http.request import Request
from gateway.http.unpack import Unpacker
from gateway.rejections import Unavailable

MOST = 4_000_000


class Sent:
    """A request whose body is sent by and by."""

    def __init__(self, bodies: Bodies) -> None:
        self._messages: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        self.request = Request({"method": "POST", HEADERS: {}}, self._messages.get, bodies)  # type: ignore[arg-type]
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> bool:
        """Whether it could be read; False if it was refused."""
        try:
            await self.request.read()
        except Unavailable:
            self.request.forget()
            return False
        return True

    async def sends(self, n: int, *, more: bool = True) -> None:
        self._messages.put_nowait({"type": "http.request", "body": bytes(n), "more_body": more})
        for _ in range(5):
            await asyncio.sleep(0)

    @property
    def is_refused(self) -> bool:
        return self._reading.done() and not self._reading.result()

    @property
    def is_read(self) -> bool:
        return self._reading.done() and self._reading.result()


@pytest.fixture
async def bodies() -> AsyncIterator[Bodies]:
    made = Bodies(5_000_000, MOST, Unpacker(20_000_000, 200), Deadlines(60))
    yield made
    made.give_up()
    for _ in range(5):
        await asyncio.sleep(0)
    assert (made.held, made.half) == (0, {})
    await made.close()


async def sent(bodies: Bodies, sizes: list[int], *, more: bool = True) -> list[Sent]:
    made = [Sent(bodies) for _ in sizes]
    for each, size in zip(made, sizes, strict=True):
        await each.sends(size, more=more)
    return made


async def test_large_half_bodies_leave_room_for_small_ones(bodies: Bodies) -> None:
    slow = await sent(bodies, [1_000_000] * 10)
    assert not slow[0].is_refused
    assert sum(each.is_refused for each in slow) == 7
    small = await sent(bodies, [1_000] * 20, more=False)
    assert all(each.is_read for each in small)
    assert sum(each.is_refused for each in slow) == 7
    for each in small:
        each.request.forget()


async def test_many_small_half_bodies_give_way_to_whole_ones(bodies: Bodies) -> None:
    slow = await sent(bodies, [50_000, *[20_000] * 195])
    assert not any(each.is_refused for each in slow)
    (honest,) = await sent(bodies, [200_000], more=False)
    assert honest.is_read
    assert slow[0].is_refused, "the largest first"
    assert 5 < sum(each.is_refused for each in slow) < 50
    honest.request.forget()


async def test_a_large_body_displaces_only_larger_ones(bodies: Bodies) -> None:
    larger, smaller = await sent(bodies, [1_800_000, 700_000])
    (honest,) = await sent(bodies, [900_000])
    assert (larger.is_refused, smaller.is_refused, honest.is_refused) == (True, False, False)
    (further,) = await sent(bodies, [1_500_000])
    assert (smaller.is_refused, honest.is_refused, further.is_refused) == (False, False, True)


async def test_whole_bodies_give_way_to_nobody(bodies: Bodies) -> None:
    whole = await sent(bodies, [SMALL_BYTES] * 15, more=False)
    (late,) = await sent(bodies, [SMALL_BYTES], more=False)
    assert all(each.is_read for each in whole)
    assert late.is_refused
    for each in whole:
        each.request.forget()
    (later,) = await sent(bodies, [SMALL_BYTES], more=False)
    assert later.is_read
    later.request.forget()
