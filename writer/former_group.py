"""The one group that wrote all signals before each had a group of its own
(delivery.md, "From one group to a group a signal")."""

import structlog

from shared.queue.base import Lane, Position, Queue, QueueUnavailable

_log = structlog.get_logger(__name__)


class FormerGroupAtWork(QueueUnavailable):
    """It still has members, which may write the same lanes. The text says what to do."""


class FormerGroup:
    """Its positions, of which lanes without one of their own go on. An empty `name`: there was no such group."""

    def __init__(self, queue: Queue, name: str) -> None:
        self._queue = queue
        self._name = name

    async def position(self, lane: Lane) -> Position | None:
        """Where it left the lane; None: it was never there. Raises `FormerGroupAtWork`, `QueueUnavailable`."""
        if not self._name:
            return None
        members = await self._queue.members(self._name)
        # Only then: what it commits last, it commits before it leaves.
        position = (await self._queue.committed(self._name, [lane]))[lane]
        if position is not None and members:
            raise FormerGroupAtWork(
                f"group {self._name!r}, which had this lane, still has members, {members}: stop those writers, this one"
                " then goes on from their position"
            )
        return position

    async def look(self) -> None:
        """Log an error if it has members: beside ours they would write rows twice."""
        if self._name and (members := await self._queue.members(self._name)):
            _log.error(
                "writers of the former group run: stop them before they double rows", group=self._name, members=members
            )
