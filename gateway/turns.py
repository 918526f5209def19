"""Whose query runs next: a few run at the same time, and no project has all of them."""

import asyncio
from collections import Counter, deque

from gateway.rejections import Unavailable


class Turns:
    """Hands out `running` turns to projects.

    1. A project has at most half of the turns, and one at least.
    2. Those that wait come by project in rotation, and of one project in the order in which they came.
    3. At most `waiting` wait. When the line is full, a project with fewer in it than another takes the place of the
       other's newest; it is only refused if it has the most itself.
    """

    def __init__(self, running: int, waiting: int) -> None:
        self._free = running
        self._each = max(1, running // 2)
        self._waiting = waiting
        self._running: Counter[str] = Counter()
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}
        """Project -> who waits. The project whose turn is next stands first."""

    async def take(self, project_id: str) -> None:
        """Wait for a turn; `give_back` ends it. Raises `Unavailable` where too many wait."""
        if self._free and self._running[project_id] < self._each:  # nobody who could have it waits
            self._begin(project_id)
            return
        self._make_room(project_id)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(project_id, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._leave(project_id, turn)
            elif turn.exception() is None:
                self.give_back(project_id)  # it came at the same moment
            raise

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
        line = self._lines.pop(project_id)
        while line and line[0].cancelled():  # its task has not run since
            line.popleft()
        turn = line.popleft() if line else None
        if line:
            self._lines[project_id] = line
        return turn

    def _begin(self, project_id: str) -> None:
        self._free -= 1
        self._running[project_id] += 1

    def _make_room(self, project_id: str) -> None:
        if sum(map(len, self._lines.values())) < self._waiting:
            return
        longest = max(self._lines, key=lambda other: len(self._lines[other]))
        if len(self._lines[longest]) <= len(self._lines.get(project_id, ())) + 1:
            raise Unavailable("too many queries are waiting")
        newest = self._lines[longest][-1]
        self._leave(longest, newest)
        newest.set_exception(Unavailable("too many queries are waiting"))

    def _leave(self, project_id: str, turn: asyncio.Future[None]) -> None:
        line = self._lines.get(project_id)
        if line is not None and turn in line:
            line.remove(turn)
            if not line:
                del self._lines[project_id]
