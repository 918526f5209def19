"""Steps 4 and 5 of the protocol: a planned batch becomes rows, each exactly once
(delivery.md, "Step 4: insert", "Step 5: verify")."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from shared.clients.clickhouse import ClickHouseError
from shared.clock import Clock
from shared.failpoints import Failpoints
from shared.metrics import Metrics
from shared.queue.base import QueueUnavailable
from shared.signals.base import US_PER_DAY, Table
from writer.batch import Batch, Key
from writer.failures import Backoff, is_poison
from writer.sink import Sink
from writer.tables import MissingTable
from writer.waiting import Waiting

_log = structlog.get_logger(__name__)

SETTLE_S = 1.0
"""Rows of a known token that are still missing after this are lost: ClickHouse publishes a part within milliseconds of
logging its token."""


class Poison(Exception):
    """ClickHouse refuses the data and always will."""


class StillMissing(Exception):
    """An insert succeeded, but its rows are not in the table."""


class Delivery:
    """Inserts the batches of one lane under one epoch, in order.

    1. Every try of an insert has the same token and the same columns, and is made only if `still_ours` doesn't raise.
    2. After a try that may have failed half-way, and while the lane is doubtful, the rows are looked for after the
       insert, and the missing ones are inserted under another token. A token is no proof that its rows are in the
       table: ClickHouse logs it before it publishes the part.
    3. A doubtful lane also looks before it inserts. It is trusted once a whole batch was absent and no row of the lane
       lies beyond it: then no writer was here before. A planned range proves nothing: it may be all that was lost.
    """

    def __init__(
        self,
        table: Table,
        sink: Sink,
        waiting: Waiting,
        metrics: Metrics,
        failpoints: Failpoints,
        still_ours: Callable[[Batch], Awaitable[None]],
        clock: Clock = time.time_ns,
    ) -> None:
        self.trusted = False
        self._table = table
        self._sink = sink
        self._waiting = waiting
        self._metrics = metrics
        self._doubled = metrics.doubled_rows.labels(table.name)  # shown before there is any
        self._failpoints = failpoints
        self._still_ours = still_ours
        self._clock = clock

    async def store(self, batch: Batch) -> int:
        """Return when every row of the batch is in the table: the number of those that were not there before.

        Raises `Poison`, `UnfitTable`, and what `still_ours` raises.
        """
        if batch.rows == 0:
            return 0
        trusted, copy = self.trusted, 1
        if trusted:
            if await self._insert(batch, list(range(batch.rows)), batch.token):
                return batch.rows
            copy = 2
        missing = await self.missing(batch)
        untouched = len(missing) == batch.rows
        await self._complete(batch, missing, copy)
        if not trusted and untouched and not batch.planned and not await self._anything_beyond(batch):
            self.trusted = True
        return batch.rows if trusted else len(missing)

    async def store_row_by_row(self, batch: Batch) -> dict[int, str]:
        """Store the rows that ClickHouse accepts. Returns those that it refuses even alone, with the reasons."""
        refused: dict[int, str] = {}
        indices = batch.block.numbers("_index")
        copy = 1
        while missing := [row for row in await self.missing(batch) if row not in refused]:
            for row in missing:
                try:
                    await self._insert(batch, [row], f"{batch.token}#row:{indices[row]}:{copy}")
                except Poison as poison:
                    refused[row] = str(poison)
            copy += 1
        return refused

    async def _complete(self, batch: Batch, missing: list[int], copy: int) -> None:
        """Insert missing rows and look again until none is missing. The first copy has the batch's own token."""
        backoff = Backoff(self._waiting.max_s)
        while missing:
            if copy > 1:
                # The token is known, so another insert has used it and may be about to publish its part: an insert
                # under a new token now would double the rows.
                await asyncio.sleep(SETTLE_S)
                if not (missing := await self.missing(batch)):
                    break
            await self._insert(batch, missing, batch.token if copy == 1 else f"{batch.token}#{copy}")
            missing = await self.missing(batch)
            if missing and copy > 1:
                error = StillMissing(f"{len(missing)} rows of {batch.token} are not there after copy {copy}")
                await self._waiting.pause("verify", error, backoff)
            copy += 1
        self._waiting.over("verify")

    async def _insert(self, batch: Batch, rows: list[int], token: str) -> bool:
        """Insert some rows, with as many tries as it takes. Returns True if the outcome of no try was doubtful.

        Raises `Poison`, and `UnfitTable`: a token may mean nothing there, so the rows must be looked for first.
        """
        block = batch.block if len(rows) == batch.rows else batch.block.select(rows)
        backoff = Backoff(self._waiting.max_s)
        sure, started = True, 0.0

        async def ready() -> None:
            nonlocal started
            await self._still_ours(batch)
            self._failpoints.reach("before_insert")
            started = time.perf_counter()

        while True:
            try:
                await self._sink.insert(self._table, batch.lane, block, token, ready=ready)
            except ClickHouseError as error:
                if is_poison(error):
                    raise Poison(str(error)) from error
                sure = False
                await self._waiting.pause("insert", error, backoff)
                if self._sink.looks_before_repeating and not set(rows) & set(await self.missing(batch)):
                    self._waiting.over("insert")
                    return False
            except (QueueUnavailable, MissingTable) as error:
                await self._waiting.pause("insert", error, backoff)
            else:
                took_s = time.perf_counter() - started
                self._metrics.insert_seconds.labels(self._table.name).observe(took_s)
                batch.inserted_ns = (time.time_ns() - int(took_s * 1e9), time.time_ns())
                self._failpoints.reach("after_insert")
                self._waiting.over("insert")
                return sure

    async def missing(self, batch: Batch) -> list[int]:
        """The rows of the batch that should be in the table and are not."""
        return batch.missing(await self.present(batch), self._clock() // 1000)

    async def present(self, batch: Batch) -> set[Key]:
        """The keys in the table within the batch's range; there may be others than the batch's own."""
        found = await self._waiting.until_done("verify", lambda: self._sink.keys(self._table, batch.range))
        present = set(found)
        if doubled := len(found) - len(present):
            self._doubled.inc(doubled)
            _log.error(
                "rows are stored more than once: `sluice replay --rewrite` of their offsets stores them once",
                table=self._table.name,
                rows=doubled,
                **batch.range.parameters,
            )
        return present

    async def _anything_beyond(self, batch: Batch) -> bool:
        """Whether the table has rows of later offsets: then a writer was here already, and offsets went back."""
        since = batch.range.received_from - US_PER_DAY  # more than the gateways' clocks differ
        return await self._waiting.until_done(
            "verify", lambda: self._sink.any_beyond(self._table, batch.lane, batch.end, since)
        )
