"""Ending tasks."""

import asyncio
from typing import Any

AGAIN_S = 5.0
"""Longer than any of our tasks needs to end in order."""


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel these tasks and wait until they have ended, with whatever outcome.

    Again and again: what a task waits for may lose a cancellation, as `asyncio.wait_for` does before Python 3.12 when
    what it waits for is done at the same moment; Redis's client sends with it, and Kafka's.
    """
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)
