"""Since when records wait in spools: asked again and again, whatever comes back."""

import asyncio
import time

import pytest

from gateway.query import spooled as module
from gateway.query.spooled import Spooled
from shared.clients.postgres import PostgresUnavailable

ANSWERS: list[int | Exception | None] = [None, 5_000_000, PostgresUnavailable("away"), RuntimeError("odd"), 7_000_000]


class Spools:
    """Answers in order, the last one for ever."""

    def __init__(self) -> None:
        self.answers, self.all_given = list(ANSWERS), asyncio.Event()

    async def oldest_us(self) -> int | None:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if len(self.answers) == 1:
            self.all_given.set()
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_it_goes_on_asking_after_any_error_and_knows_the_age(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.001)
    spools = Spools()
    spooled = Spooled(spools)  # type: ignore[arg-type]
    assert (spooled.since, spooled.age_s) == (None, 0.0)
    await spooled.start()
    async with asyncio.timeout(30):
        await spools.all_given.wait()
        while spooled.since != 7_000_000:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
    await spooled.close()
    assert spooled.age_s == pytest.approx(time.time() - 7, abs=60)
