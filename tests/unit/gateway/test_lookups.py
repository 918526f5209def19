"""However many ids nobody knows are looked up, the others wait for a bounded number of questions."""

import asyncio
from collections.abc import Sequence

import pytest

from gateway.lookups import MOST_ASKED, Lookups


class Asked:
    """What can be found is what `there` holds. Each question waits for `gate`."""

    def __init__(self, **there: str) -> None:
        self.there = there
        self.questions: list[list[str]] = []
        self.gate = asyncio.Event()
        self.failure: Exception | None = None
        self.lookups = Lookups(self.ask)

    async def ask(self, ids: Sequence[str]) -> dict[str, str]:
        self.questions.append(list(ids))
        found = {each: self.there[each] for each in ids if each in self.there}
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return found

    async def started(self, *ids: str) -> "list[asyncio.Task[str | None]]":
        tasks = [asyncio.create_task(self.lookups.find(each)) for each in ids]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return tasks


async def test_what_comes_while_a_question_is_under_way_is_one_question() -> None:
    asked = Asked(good="value")
    tasks = [*await asked.started("first"), *await asked.started("bad", "good", "worse", "good")]
    asked.gate.set()
    assert await asyncio.gather(*tasks) == [None, None, "value", None, "value"]
    assert asked.questions == [["first"], ["bad", "good", "worse"]]


async def test_who_comes_behind_a_flood_waits_for_its_questions_only() -> None:
    asked = Asked(good="value")
    flood = await asked.started("first", *(f"bad{n}" for n in range(2 * MOST_ASKED)))
    (late,) = await asked.started("good")
    asked.gate.set()
    assert await late == "value"
    assert len(asked.questions) <= 3
    assert max(map(len, asked.questions)) == MOST_ASKED
    await asyncio.gather(*flood)


async def test_an_answer_is_never_older_than_its_lookup() -> None:
    asked = Asked()
    (early,) = await asked.started("key")
    asked.there["key"] = "made since"
    (late,) = await asked.started("key")
    asked.gate.set()
    assert await early is None
    assert await late == "made since"
    assert asked.questions == [["key"], ["key"]]


async def test_a_question_that_fails_fails_for_all_who_wait_and_the_next_one_is_asked() -> None:
    asked = Asked(good="value")
    asked.failure = TimeoutError()
    tasks = [*await asked.started("a"), *await asked.started("b", "c")]
    asked.gate.set()
    assert all(isinstance(each, TimeoutError) for each in await asyncio.gather(*tasks, return_exceptions=True))
    assert asked.questions == [["a"]]
    asked.failure = None
    assert await asked.lookups.find("good") == "value"


async def test_who_leaves_takes_no_answer_from_the_others() -> None:
    asked = Asked(good="value")
    leaving, staying = await asked.started("good", "good")
    leaving.cancel()
    await asyncio.sleep(0)
    asked.gate.set()
    assert await staying == "value"
    with pytest.raises(asyncio.CancelledError):
        await leaving
