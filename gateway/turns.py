"""Whose work is next: only some of it runs at the same time, and no project has all the turns."""

import asyncio
from collections import Counter, deque
from typing import NamedTuple

from gateway.rejections import Unavailable


class _Waiting(NamedTuple):
    turn: asyncio.Future[None]
    size: int


class Turns:
    """Hands out `running` turns to projects.

    1. A project has at most `each` turns; if that is not given, half of them, and one at least.
    2. Those that wait come by project in rotation, and of one project in the order in which they came.
    3. Those that wait have at most the size `waiting` together, in whatever unit. When the line is full, the project
       with the most in it loses its newest, until there is room; whoever would then have the most is refused.
    """

    def __init__(self, running: int, waiting: int, each: int = 0) -> None:
        self._free = running
        self._each = each or max(1, running // 2)
        self._waiting = waiting
        self._running: Counter[str] = Counter()
        self._lines: dict[str, deque[_Waiting]] = {}
        """Project -> who waits. The project whose turn is next stands first."""
        self._sizes: Counter[str] = Counter()
        """Project -> the size of its line."""

    async def take(self, project_id: str, size: int = 1) -> None:
        """Wait for a turn; `give_back` ends it. Raises `Unavailable` where too much waits."""
        if self._free and self._running[project_id] < self._each:  # nobody who could have it waits
            self._begin(project_id)
            return
        self._make_room(project_id, size)
        mine = _Waiting(asyncio.get_running_loop().create_future(), size)
        self._lines.setdefault(project_id, deque()).append(mine)
        self._sizes[project_id] += size
        try:
            await mine.turn
        except asyncio.CancelledError:
            if mine.turn.cancelled():
                self._leave(project_id, mine)
            elif mine.turn.exception() is None:
                self.give_back(project_id)  # it came at the same moment
            raise
        finally:
            del mine  # its exception would hold this frame, which holds it (performance.md, "The garbage collector")

    def give_back(self, project_id: str) -> None:
        self._free += 1
        self._running[project_id] -= 1
        if not self._running[project_id]:
            del self._running[project_id]
        self._call_next()

    def _call_next(self) -> None:
        for project_id in list(self._lines):
            if not self._free:
                return
            if self._running[project_id] < self._each and (turn := self._first(project_id)):
                self._begin(project_id)
                turn.set_result(None)

    def _first(self, project_id: str) -> asyncio.Future[None] | None:
        """Who has waited longest of a project, which becomes the last in the rotation."""
        line = self._lines[project_id]
        first = next((each for each in line if not each.turn.cancelled()), None)  # of those the task has not run since
        if first is None:
            return None
        self._leave(project_id, first)
        if line:
            self._lines[project_id] = self._lines.pop(project_id)
        return first.turn

    def _begin(self, project_id: str) -> None:
        self._free -= 1
        self._running[project_id] += 1

    def _make_room(self, project_id: str, size: int) -> None:
        while sum(self._sizes.values()) + size > self._waiting:
            longest = max(self._sizes, key=self._sizes.__getitem__, default=project_id)
            if self._sizes[longest] <= self._sizes[project_id] + size:
                raise Unavailable("too much is waiting")
            newest = self._lines[longest][-1]
            self._leave(longest, newest)
            if not newest.turn.done():
                newest.turn.set_exception(Unavailable("too much is waiting"))

    def _leave(self, project_id: str, waiting: _Waiting) -> None:
        line = self._lines.get(project_id)
        if line is None or waiting not in line:
            return
        line.remove(waiting)
        self._sizes[project_id] -= waiting.size
        if not line:
            del self._lines[project_id]
            del self._sizes[project_id]
