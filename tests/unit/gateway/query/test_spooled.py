"""Since when records wait in spools: asked again and again, whatever comes back."""

import asyncio
import time

import pytest

from gateway.query import spooled as module
from gateway.query.spooled import KnownSpools, Spooled, SpoolsUnknown
from shared.clients.postgres import PostgresUnavailable
from shared.spools import Oldest

ANSWERS = [
    PostgresUnavailable("away"),
    Oldest(0, None),
    Oldest(2, 5_000_000),
    RuntimeError("odd"),
    Oldest(1, 7_000_000),
]


class Spools:
    """Answers in order, the last one for ever."""

    def __init__(self) -> None:
        self.answers, self.all_given = list(ANSWERS), asyncio.Event()

    async def oldest(self) -> Oldest:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if len(self.answers) == 1:
            self.all_given.set()
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_it_goes_on_asking_after_any_error_and_knows_the_age(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.001)
    spools = Spools()
    known = KnownSpools(spools, lambda: 9_000_000_000)  # type: ignore[arg-type]
    assert known.age_s == 0.0
    with pytest.raises(SpoolsUnknown):
        known.now()
    await known.start()
    async with asyncio.timeout(30):
        await spools.all_given.wait()
        while known.now() != Spooled(7_000_000, 9_000_000):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
    await known.close()
    assert known.age_s == pytest.approx(time.time() - 7, abs=60)


async def test_where_no_gateway_has_a_spool_nothing_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.001)
    spools = Spools()
    spools.answers = [Oldest(0, None), Oldest(0, None)]
    known = KnownSpools(spools, lambda: 9_000_000_000)  # type: ignore[arg-type]
    await known.start()
    async with asyncio.timeout(30):
        await spools.all_given.wait()
    await known.close()
    assert known.now() == Spooled(None, None)
