"""Look-ups that come at the same time are one question: thousands of unknown ids cost the database a few statements."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import copy
from itertools import islice
from typing import Generic, TypeVar

V = TypeVar("V")

MOST_ASKED = 1_000
"""Ids in one question."""


class Lookups(Generic[V]):
    """Looks up values by their ids.

    1. One question is under way at a time. What is looked up meanwhile waits for the next one, in the order in which it
       came: an answer is never older than its look-up.
    2. A question holds at most `MOST_ASKED` ids, so a look-up waits for one question per `MOST_ASKED` ids before it.
    3. A question that fails, fails for all who wait: it would fail for them too, after as long a time.
    """

    def __init__(self, ask: Callable[[Sequence[str]], Awaitable[Mapping[str, V]]]) -> None:
        """`ask`: ids -> the values of those that there are."""
        self._ask = ask
        self._waiting: dict[str, asyncio.Future[V | None]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def find(self, wanted: str) -> V | None:
        """The value of an id, None if there is none. Raises what `ask` raises."""
        answer = self._waiting.get(wanted)
        if answer is None:
            answer = self._waiting[wanted] = asyncio.get_running_loop().create_future()
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_for_all())
        try:
            return await asyncio.shield(answer)  # others may wait for it too
        finally:
            del answer  # no circle with its exception (performance.md, "The garbage collector")

    async def _ask_for_all(self) -> None:
        try:
            while self._waiting:
                asked = dict(islice(self._waiting.items(), MOST_ASKED))
                self._waiting = dict(islice(self._waiting.items(), len(asked), None))
                await self._answer(asked)
        finally:
            self._asking = None

    async def _answer(self, asked: "Mapping[str, asyncio.Future[V | None]]") -> None:
        try:
            found = await self._ask(list(asked))
        except Exception as error:
            waiting, self._waiting = self._waiting, {}
            for answer in (*asked.values(), *waiting.values()):
                answer.set_exception(copy(error))  # or one exception would collect the frames of all who raise it
                answer.exception()  # retrieved, even if nobody waits for it any more
        else:
            for wanted, answer in asked.items():
                answer.set_result(found.get(wanted))
