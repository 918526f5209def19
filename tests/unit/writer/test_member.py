"""A membership's lanes: one writer of a lane at a time, however often it comes and goes."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.queue.base import Lane
from shared.registry import load
from writer import member
from writer.member import Member

LANE = Lane("logs", 0)


class Inserting:
    """A lane writer whose last insert ends when it is told to."""

    begun = 0
    ended: asyncio.Event

    def __init__(self, *_: Any) -> None: ...

    async def run(self) -> None:
        Inserting.begun += 1
        try:
            await asyncio.Event().wait()
        finally:
            await Inserting.ended.wait()

    def left(self) -> None: ...


async def test_a_lane_that_came_and_went_in_between_waits_for_the_first_insert(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member, "LaneWriter", Inserting)
    Inserting.begun, Inserting.ended = 0, asyncio.Event()
    registry = load()
    deps = SimpleNamespace(queue=SimpleNamespace(consumer=lambda *_: None), backoff_max_s=1.0)
    made = Member("group", [registry.signals["logs"]], registry, cast(Any, deps), cast(Any, None))
    for _ in range(2):
        made.assigned(frozenset({LANE}))
        await asyncio.sleep(0)
        made.revoked(frozenset({LANE}))
    made.assigned(frozenset({LANE}))
    for _ in range(5):
        await asyncio.sleep(0)
    begun = Inserting.begun
    Inserting.ended.set()
    assert begun == 1, "the insert of the first time is under way"
    for _ in range(5):
        await asyncio.sleep(0)
    assert Inserting.begun == 2
    made.forget()
    await asyncio.sleep(0)
