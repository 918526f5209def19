"""What must hold before a replay or a redrive changes anything (delivery.md, "The guard")."""

from shared.clients.postgres import AsyncConnection, check_held
from shared.queue.base import Queue
from shared.queue.lane_state import lane_states
from shared.queue.writer_groups import WriterGroups
from writer.batch import Batch

LOCK_WAIT_S = 5.0


def lock_name(topic: str) -> str:
    """The advisory lock under which the rows of a topic are restored, by replay or redrive."""
    return f"sluice:restore:{topic}"


class WritersAtWork(Exception):
    """The range is not committed (any more): a writer will store it too, and neither would see the other's rows."""


class Guard:
    """Refuses a change when another process might make the same one.

    1. The Postgres session that holds the topic's lock is alive.
    2. The writers have committed the range.
    """

    def __init__(self, session: AsyncConnection, queue: Queue, groups: WriterGroups) -> None:
        self._session = session
        self._queue = queue
        self._groups = groups

    async def check(self, batch: Batch) -> None:
        """Raises `PostgresUnavailable`, `WritersAtWork`, `QueueUnavailable`."""
        await check_held(self._session)
        state = (await lane_states(self._queue, self._groups, [batch.lane]))[batch.lane]
        # What lies beyond the end came from an older topic of the same name: no writer will read it.
        if batch.first < state.end and batch.end > (state.committed or 0):
            raise WritersAtWork(
                f"the writers' position in {batch.lane.topic}:{batch.lane.partition} is {state.committed}, which is"
                f" before offset {batch.last}: they will store it; run this again after that"
            )
