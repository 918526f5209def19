"""What was asked a moment ago is not asked again (performance.md, "Counts of a moment ago")."""

import asyncio

import pytest

from gateway.query import recent
from gateway.query.recent import Recent


class Source:
    """Counts how often it was asked; answers when it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.error: Exception | None = None

    async def ask(self) -> int:
        self.asked += 1
        await self.may_answer.wait()
        if self.error:
            raise self.error
        return self.asked


async def test_who_asks_the_same_shares_an_answer_also_when_the_first_leaves() -> None:
    known, source = Recent(), Source()
    first, other = (asyncio.create_task(known.of("a", source.ask)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    source.may_answer.set()
    assert await other == 1
    assert await known.of("a", source.ask) == 1
    assert await known.of("b", source.ask) == 2


async def test_an_old_answer_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    known, source = Recent(), Source()
    source.may_answer.set()
    monkeypatch.setattr(recent, "FOR_S", 0.0)
    assert [await known.of("a", source.ask) for _ in range(2)] == [1, 2]


async def test_what_failed_is_asked_again() -> None:
    known, source = Recent(), Source()
    source.may_answer.set()
    source.error = OSError("away")
    with pytest.raises(OSError, match="away"):
        await known.of("a", source.ask)
    source.error = None
    assert await known.of("a", source.ask) == 2


async def test_few_answers_are_remembered() -> None:
    known, source = Recent(), Source()
    source.may_answer.set()
    for key in range(recent.MOST + 1):
        await known.of(key, source.ask)
    assert await known.of(recent.MOST, source.ask) == recent.MOST + 1
    assert await known.of(0, source.ask) == recent.MOST + 2
