"""What must hold before each change that a replay or a redrive makes (02, "Replay, redrive, audit")."""

from shared.clients.postgres import AsyncConnection, check_held
from shared.queue.base import Queue
from writer.batch import Batch
from writer.ops.ranges import lane_states

LOCK_WAIT_S = 5.0


def lock_name(topic: str) -> str:
    """The advisory lock under which the rows of a topic are restored, by replay or redrive."""
    return f"sluice:restore:{topic}"


class WritersAtWork(Exception):
    """The range is not committed (any more): a writer will store it, and both would look before either inserts."""


class Guard:
    """Refuses a change when somebody else might make the same one.

    1. The Postgres session that holds the topic's lock is alive.
    2. No writer has yet to come to the range.
    """

    def __init__(self, session: AsyncConnection, queue: Queue, group: str) -> None:
        self._session = session
        self._queue = queue
        self._group = group

    async def check(self, batch: Batch) -> None:
        """Raises `PostgresUnavailable`, `WritersAtWork`, `QueueUnavailable`."""
        await check_held(self._session)
        state = (await lane_states(self._queue, self._group, [batch.lane]))[batch.lane]
        # Beyond the end lies what came from a topic of the same name that is no more: no writer will read it.
        if batch.first < state.end and batch.end > (state.committed or 0):
            raise WritersAtWork(
                f"the writers' position in {batch.lane.topic}:{batch.lane.partition} is {state.committed}, which is"
                f" before offset {batch.last}: they will store it themselves; run this again when they have"
            )
