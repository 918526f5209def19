"""What was asked of ClickHouse a moment ago, for all who ask the same again."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar

from gateway.query.partial import asked_for_many, missing_so_far, note

T = TypeVar("T")

FOR_S = 10.0
"""How old an answer may be."""

MOST = 32
"""Answers that are remembered; of more the oldest is forgotten."""


@dataclass(frozen=True)
class _Asked:
    at: float
    answer: asyncio.Task[tuple[Any, set[int]]]

    @property
    def is_good(self) -> bool:
        """Whether it is under way, or was answered a moment ago."""
        if not self.answer.done():
            return True
        failed = self.answer.cancelled() or self.answer.exception() is not None
        return not failed and monotonic() < self.at + FOR_S


class Recent:
    """For figures that need not be of this moment: those by which a search is planned.

    Who asks while the same is being asked waits for that answer. A question goes on when those who asked it have left;
    one that failed is asked again.
    """

    def __init__(self) -> None:
        self._asked: dict[Hashable, _Asked] = {}

    async def of(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` answers, or answered less than `FOR_S` ago for the same key. Raises what `ask` raises."""
        key = (key, missing_so_far() is None)
        known = self._asked.get(key)
        if known is None or not known.is_good:
            self._asked = {other: asked for other, asked in self._asked.items() if other != key and asked.is_good}
            if len(self._asked) >= MOST:
                del self._asked[next(iter(self._asked))]
            known = self._asked[key] = _Asked(monotonic(), asyncio.create_task(asked_for_many(ask)))
        try:
            answer: T
            answer, missing = await asyncio.shield(known.answer)
            note(missing)
            return answer
        finally:
            del known  # its exception would hold this frame, which holds it (performance.md, "The garbage collector")
