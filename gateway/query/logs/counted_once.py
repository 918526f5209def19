"""One count for the parts of a page that are about the same logs: each of its own would read all of them again."""

import asyncio

from gateway.query.asked import Asked
from gateway.query.buckets import floored
from gateway.query.logs.counted import OF_ROWS, Counted, Keys, count_logs, knows_rollup
from gateway.query.logs.rollup import COUNTED
from gateway.query.reader import Reader, TooBig


class CountedOnce:
    """Stands in for `count_logs`, for one question that is counted by buckets of `width` microseconds and by columns
    of the rollup. Close it when the page is made."""

    def __init__(self, width: int) -> None:
        self._keys = [floored(OF_ROWS, width), *(f"`{column}`" for column in COUNTED)]
        self._counting: asyncio.Task[Counted] | None = None

    async def __call__(self, reader: Reader, project_id: str, asked: Asked, keys: Keys, budget: int) -> Counted:
        """What `count_logs` says, of as many rows as the first one's budget has room for."""
        if knows_rollup(asked):
            return await count_logs(reader, project_id, asked, keys, budget)
        if self._counting is None:
            by_all = count_logs(reader, project_id, asked, lambda _: self._keys, budget)
            self._counting = asyncio.ensure_future(by_all)
        try:
            counted = await asyncio.shield(self._counting)
        except TooBig:  # in so many ways together; by its own keys it may be small
            return await count_logs(reader, project_id, asked, keys, budget)
        places = [self._keys.index(key) for key in keys(OF_ROWS)]
        return await asyncio.to_thread(counted.by, *places)

    def close(self) -> None:
        """Nobody waits for it any more."""
        if self._counting is not None:
            self._counting.cancel()
