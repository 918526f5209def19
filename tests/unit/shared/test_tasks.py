"""Tasks are ended although what they wait for loses a cancellation."""

import asyncio
from contextlib import suppress

import pytest

from shared import tasks
from shared.tasks import end


async def test_a_task_that_loses_a_cancellation_is_ended_and_its_outcome_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "AGAIN_S", 0.01)
    lost = 0

    async def loses_two() -> None:
        nonlocal lost
        while True:
            if lost == 2:
                await asyncio.Event().wait()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            lost += 1

    async def fails() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("at the end")

    async def ends() -> None: ...

    running = [asyncio.create_task(each()) for each in (loses_two, fails, ends)]
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await end(*running)
    assert lost == 2
    assert running[0].cancelled()
