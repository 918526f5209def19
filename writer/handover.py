"""Lanes that go from the one group of all signals to a group a signal, or back
(delivery.md, "From one group to a group a signal")."""

import structlog

from shared.queue.base import Lane, Position, Queue, QueueError, QueueUnavailable
from shared.queue.writer_groups import WriterGroups
from writer.batch import plan_of

_log = structlog.get_logger(__name__)


class OtherGroupAtWork(QueueUnavailable):
    """It has members, which may write the same lane. The text says what to do."""


class Handover:
    """Between our group of a lane and the other one that may have it, `x` and `x.{signal}`.

    1. A lane without a position of its own goes on from the other group's, when that has no member left.
    2. Where both groups have members, only the one that is further ahead may write.
    """

    def __init__(self, queue: Queue, groups: WriterGroups) -> None:
        self._queue = queue
        self._groups = groups

    async def position(self, lane: Lane, own: Position | None) -> Position | None:
        """Where the lane goes on. `own`: what our group has committed.

        Raises `OtherGroupAtWork`, `QueueUnavailable`.
        """
        other = self._groups.other(lane.topic)
        if not other:
            return own
        try:
            return await self._position(other, lane, own)
        except QueueUnavailable:
            raise
        except QueueError as error:
            if not self._groups.former:
                return own  # who may not see groups of signals has none
            raise QueueUnavailable(f"group {other!r} may have had this lane: let us describe it ({error})") from error

    async def _position(self, other: str, lane: Lane, own: Position | None) -> Position | None:
        if own is not None and await self._committed(other, lane) is None:
            return own
        members = await self._queue.members(other, lane.topic)
        theirs = await self._committed(other, lane)  # only now: what they commit last, they commit before they leave
        if members and not _reached(own) > _reached(theirs):
            raise OtherGroupAtWork(
                f"group {other!r} may have this lane too, and has members, {members}: stop those writers, this one then"
                " goes on from their position"
            )
        return theirs if own is None else own

    async def _committed(self, group: str, lane: Lane) -> Position | None:
        return (await self._queue.committed(group, [lane]))[lane]

    async def look(self) -> None:
        """Log an error if the one group of before has members: those of an older version know nothing of ours."""
        for topic in self._groups.signals if self._groups.former else ():
            former = self._groups.other(topic)
            if members := await self._queue.members(former, topic):
                _log.error(
                    "writers of the former group run: stop them before they double rows",
                    group=former,
                    topic=topic,
                    members=members,
                )


def _reached(position: Position | None) -> tuple[int, int]:
    """How far a group is: stored up to the first, planned up to the second."""
    return (-1, 0) if position is None else (position.offset, plan_of(position))
