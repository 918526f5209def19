"""The tails of a process: answers that go on for minutes. How many there may be, and what ends them all
(reading.md, "Tail")."""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Protocol

from gateway.query.refusals import TooManyTails
from gateway.rejections import Unavailable
from gateway.turns import Turns

MOST, KEY_TAILS = 200, 5


class Holder(Protocol):
    """Whose a tail is: a key, or a user who stands for one, and the project."""

    @property
    def key_id(self) -> str: ...

    @property
    def project_id(self) -> str: ...


class Tails:
    """Counts those that are open.

    1. A key, or a user, in whatever sessions, has at most `each_key` of them, and a project half of `most`.
    2. Their polls take turns, `polls` at the same time, the projects in rotation: they leave room for other questions.
    3. `give_up` ends them all, and none begins any more.
    """

    def __init__(self, most: int = MOST, each_key: int = KEY_TAILS, polls: int = 2) -> None:
        self._most = most
        self._each_key = each_key
        self._of_key: Counter[str] = Counter()
        self._of_project: Counter[str] = Counter()
        self._given_up = asyncio.Event()
        self.turns = Turns(polls, most)

    @property
    def open(self) -> int:
        return self._of_key.total()

    @property
    def given_up(self) -> bool:
        return self._given_up.is_set()

    def begin(self, holder: Holder) -> None:
        """Count one more, until `end`. Raises `TooManyTails` where the holder has enough, else `Unavailable`."""
        if self._of_key[holder.key_id] >= self._each_key:
            raise TooManyTails(self._each_key)
        half = max(1, self._most // 2)
        if self.given_up or self.open >= self._most or self._of_project[holder.project_id] >= half:
            raise Unavailable("too many tails are open")
        self._of_key[holder.key_id] += 1
        self._of_project[holder.project_id] += 1

    def end(self, holder: Holder) -> None:
        for counter, name in ((self._of_key, holder.key_id), (self._of_project, holder.project_id)):
            counter[name] -= 1
            if not counter[name]:
                del counter[name]

    def give_up(self) -> None:
        """End every tail: the process stops."""
        self._given_up.set()

    async def pause(self, seconds: float) -> None:
        """Wait so long, or until they are given up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._given_up.wait()
