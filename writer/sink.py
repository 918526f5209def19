"""ClickHouse as the lanes use it: the only place where the writer waits in threads."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager, nullcontext
from typing import Any, TypeVar

from shared.clients.clickhouse import ClickHouse, ClickHouseError
from shared.clients.clickhouse_pool import ClickHousePool
from shared.queue.base import Lane
from shared.secret import AnyUrl
from shared.settings import Storage
from shared.signals.base import Table
from writer.batch import Key
from writer.fitness import Fitness, Remembered
from writer.held import Held, on_all_nodes
from writer.looks import Looks
from writer.row_range import KEY, LOOK_SETTINGS, ONE_REPLICA, THIS_LANE, THIS_RANGE, RowRange
from writer.wire.block import Block

T = TypeVar("T")

SINGLE = Storage()
"""One server."""

INSERT_SETTINGS = {
    **ONE_REPLICA,
    "deduplicate_insert": "enable",  # the name since 26; older servers ignore it ...
    "insert_deduplicate": 1,  # ... and know this one
    "async_insert": 0,
    "distributed_foreground_insert": 1,
    "max_insert_block_size": 1_048_576,  # one insert is one block: the token covers it whole
    "use_strict_insert_block_limits": 0,
}
"""Always the same for a token: with another block size it would be another insert to ClickHouse
(delivery.md, "What ClickHouse needs")."""


def quorum_of(storage: Storage, timeout_s: float) -> dict[str, Any]:
    """How many replicas must have a block before an insert succeeds: without this a replica that is lost takes rows
    along which were committed. The server gives up before we do, so that the error says why."""
    if not storage.is_replicated or storage.quorum == "0":
        return {}
    wait_ms = int(timeout_s * 1000 * 0.8)
    return {"insert_quorum": storage.quorum, "insert_quorum_parallel": 1, "insert_quorum_timeout": wait_ms}


class Sink:
    """Inserts and queries on a small pool of threads with a connection each.

    1. No thread is held during the pause before another try.
    2. One table takes at most half of the pool, so that a server that hangs on it leaves threads for other tables.
       Of these, lanes whose last call failed take half, and half of the pool over all tables, so that a shard that
       hangs leaves threads for the others.
    3. A turn ends when its thread is free, even if the caller was cancelled: at most `threads` calls at once.
    """

    def __init__(
        self, url: AnyUrl, *, threads: int, timeout_s: float, comment: str = "", storage: Storage = SINGLE
    ) -> None:
        """`comment` is the `log_comment` of every statement: see `under_way`; `storage` says where rows are held."""
        self.database = ClickHouse(url).database
        self._url = url
        self._storage = storage
        self._timeout_s = timeout_s
        self._comment = comment
        settings = {"log_comment": comment} if comment else {}
        self._pool = ClickHousePool(threads, lambda: ClickHouse(url, timeout_s=timeout_s, settings=settings))
        self._turns = asyncio.Semaphore(threads)
        self._table_turns = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(max(1, threads // 2)))
        self._retries = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(max(1, threads // 4)))
        self._all_retries = asyncio.Semaphore(max(1, threads // 2))
        self._failing: set[Lane] = set()
        self._fitness = Fitness(url)
        self._looks = Looks(url, storage, timeout_s)
        self._insert_settings = {**INSERT_SETTINGS, **quorum_of(storage, timeout_s)}

    @property
    def looks_before_repeating(self) -> bool:
        """Whether an insert whose outcome is unknown is looked for before it is sent again: replicated tables have been
        seen to store the rows of a known token again (storage.md, "Replicated tables")."""
        return self._storage.is_replicated

    async def insert(
        self, table: Table, lane: Lane, block: Block, token: str, *, ready: Callable[[], Awaitable[None]]
    ) -> None:
        """Insert as one block under a token. `ready` is called right before, when a thread is free; it may raise.

        Raises:
            ServerError, Unreachable: some of it, or all, may be stored.
            UnfitTable, MissingTable: nothing is.
        """
        settings = {**self._insert_settings, "insert_deduplication_token": token}
        where = f"`{self.database}`.`{table.name}`"
        await self._of_lane(table, lane, lambda clickhouse: clickhouse.insert(where, block.columns, settings), ready)

    async def check(self, table: Table) -> None:
        """Check once whether the table is fit to be written to, on all nodes that hold it, and again after every
        failure.

        Raises:
            UnfitTable, MissingTable, ClickHouseError
        """
        if not self._fitness.is_known(table):
            await self._run(table, lambda clickhouse: self._fitness.check(clickhouse, table))

    def remembered(self, table: Table) -> Remembered | None:
        """What `check` found; None before the first one that ended well."""
        return self._fitness.remembered.get(table.name)

    async def keys(self, table: Table, rows: RowRange) -> list[Key]:
        """The identity of each row in the range; that of a row which is stored twice, twice."""
        found: list[Key] = await self._look(table, rows.lane, KEY, THIS_RANGE, rows.parameters)
        return found

    async def any_beyond(self, table: Table, lane: Lane, offset: int, received_from: int) -> bool:
        """Whether the table has a row of the lane at or after this offset that was received at or after this time."""
        where = f"{THIS_LANE} AND _offset >= %(offset)s AND received_at >= fromUnixTimestamp64Micro(%(from)s) LIMIT 1"
        return bool(
            await self._look(table, lane, "1", where, {**lane._asdict(), "offset": offset, "from": received_from})
        )

    async def end_of(self, table: Table, lane: Lane) -> int:
        """The offset after the last one of the lane that has a row; 0 for no rows. Looks at the whole table."""
        found = await self._look(table, lane, "max(_offset) + 1, count()", THIS_LANE, lane._asdict())
        return max((int(end) for end, rows in found if rows), default=0)

    async def delete(self, table: Table, rows: RowRange, keys: Collection[Key], keep: Collection[Key]) -> None:
        """Delete rows and return when it is done everywhere: `keys`, which are all in the range but those of `keep`.

        After an error, call again when nothing of the first try is `under_way` any more. Raises `DeletionRefused`.
        """
        where, parameters = THIS_RANGE, rows.parameters
        # Most are excluded by one number each: 20,000 numbers take the server a second, as many tuples fifteen.
        places = {key[:2] for key in keys}
        twins = [key for key in keep if key[:2] in places]  # of an earlier topic of the same name
        others = [((key[0] - rows.first) << 32) + key[1] for key in keep if key[:2] not in places]
        if others:
            where += " AND bitShiftLeft(toUInt64(_offset - %(first)s), 32) + _index NOT IN %(others)s"
            parameters["others"] = sorted(others)
        if twins:
            where += f" AND ({KEY}) NOT IN %(twins)s"
            parameters["twins"] = sorted(twins)

        def delete(clickhouse: ClickHouse) -> None:
            held = Held(clickhouse, self._url, self._storage, self._timeout_s)
            held.delete(table, where, parameters, comment=self._comment)

        await self._checked(table, delete)

    async def under_way(self, table: Table) -> int:
        """How many statements with this sink's comment still change data on any server, from any process."""
        sql = (
            f"SELECT count() FROM {on_all_nodes('system.processes', self._storage.cluster)}"  # noqa: S608 - ours
            " WHERE Settings['log_comment'] = %(comment)s AND query_kind NOT IN ('Select', '')"
        )
        comment = {"comment": self._comment}
        found = await self._checked(table, lambda clickhouse: clickhouse.query(sql, comment, LOOK_SETTINGS))
        return int(found[0][0])

    def abort(self) -> None:
        """Break all connections: calls that wait for the server end at once, their outcomes unknown."""
        self._pool.abort()

    def close(self) -> None:
        """Wait for the calls under way (`abort` ends them), then close."""
        self._pool.close()

    async def _look(
        self, table: Table, lane: Lane, columns: str, where: str, parameters: Mapping[str, Any]
    ) -> list[Any]:
        return await self._of_lane(
            table, lane, lambda clickhouse: self._looks.rows(clickhouse, table, columns, where, parameters)
        )

    async def _of_lane(
        self,
        table: Table,
        lane: Lane,
        call: Callable[[ClickHouse], T],
        ready: Callable[[], Awaitable[None]] | None = None,
    ) -> T:
        """A call that a shard which hangs makes wait."""
        async with self._retrying(table) if lane in self._failing else nullcontext():
            try:
                answer = await self._checked(table, call, ready)
            except ClickHouseError:
                self._failing.add(lane)
                raise
            self._failing.discard(lane)
            return answer

    @asynccontextmanager
    async def _retrying(self, table: Table) -> AsyncIterator[None]:
        async with self._retries[table.name], self._all_retries:
            yield

    async def _checked(
        self, table: Table, call: Callable[[ClickHouse], T], ready: Callable[[], Awaitable[None]] | None = None
    ) -> T:
        await self.check(table)
        try:
            return await self._run(table, call, ready)
        except Exception:
            self._fitness.forget(table)
            raise

    async def _run(
        self, table: Table, call: Callable[[ClickHouse], T], ready: Callable[[], Awaitable[None]] | None = None
    ) -> T:
        async with self._table_turns[table.name], self._turns:
            if ready is not None:
                await ready()
            work = self._pool.run(call)
            answer: asyncio.Future[T] = asyncio.shield(work)
            try:
                return await answer
            except asyncio.CancelledError:
                await asyncio.wait({work})
                for future in (work, answer):  # retrieved: else asyncio logs the error as never retrieved
                    if future.done() and not future.cancelled():
                        future.exception()
                raise
