"""Gives memory back some seconds after large requests: they took memory that the next ones don't need."""

import asyncio
import gc

from shared.memory import give_back, resident_bytes

LOOK_S = 5.0
LOOK_AT_MOST_S = 20.0
GROWN_BYTES = 32_000_000


class Tidy:
    """Looks now and then whether the process has grown by `GROWN_BYTES` since it last gave memory back.

    The collector counts objects, and a few of them may hold large bodies: so it runs before memory goes back.

    Where it grows at once again, what it does needs the memory: the pauses become longer.
    """

    def __init__(self, look_s: float = LOOK_S) -> None:
        self._look_s = look_s
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._looking = asyncio.create_task(self._look(resident_bytes()))

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look(self, least: int) -> None:
        pause_s = self._look_s
        while True:
            await asyncio.sleep(pause_s)
            now = resident_bytes()
            if now < least + GROWN_BYTES:
                least, pause_s = min(least, now), self._look_s
                continue
            gc.collect()  # some milliseconds: what the process was built of is exempt (`freeze_garbage`)
            await asyncio.to_thread(give_back)
            least, pause_s = resident_bytes(), min(2 * pause_s, LOOK_AT_MOST_S)
