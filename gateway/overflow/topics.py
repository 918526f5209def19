"""Which overflow topics may be used: those that writers read."""

import structlog

from shared.queue.base import Queue, QueueError, QueueUnavailable
from shared.queue.writer_groups import WriterGroups
from shared.registry import Registry

LOOK_EVERY_S = 5.0

_log = structlog.get_logger(__name__)


class OverflowTopics:
    """`of_formats`: format -> the topic that messages of a project take that is over its share.

    It is the usual topic as long as the overflow topic is missing or has no writers: no message may wait where nobody
    reads.
    """

    def __init__(self, queue: Queue, groups: WriterGroups, registry: Registry) -> None:
        self._queue = queue
        self._groups = groups
        self._signals = {fmt.name: registry.signal_of(fmt) for fmt in registry.stored_formats}
        self._read: frozenset[str] | None = None
        self.of_formats = {name: signal.topic for name, signal in self._signals.items()}

    async def look(self) -> None:
        """Ask the queue for the writers. Raises `QueueUnavailable`: then what was known is still right."""
        topics = {signal.overflow.topic for signal in self._signals.values()}
        there, error = {lane.topic for lane in await self._queue.lanes(topics)}, ""
        try:
            read = frozenset([each for each in there if await self._queue.members(self._groups.of(each), each)])
        except QueueUnavailable:
            raise
        except QueueError as refused:  # this user may not see the groups
            read, error = frozenset(), str(refused)
        if read != self._read and (unread := sorted(topics - read)):
            _log.warning("overflow topics without writers are not used", topics=unread, error=error or None)
        self._read = read
        self.of_formats = {
            name: signal.overflow.topic if signal.overflow.topic in read else signal.topic
            for name, signal in self._signals.items()
        }
