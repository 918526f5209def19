"""The core of replay and redrive: records of messages that were read before become rows if they are none
(delivery.md, "Replay, redrive, audit")."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from shared.clients.clickhouse import ClickHouseError, ServerError
from shared.failpoints import Failpoints
from shared.letters import Letter
from shared.metrics import Metrics
from shared.queue.base import Lane
from shared.signals.base import Table
from writer.batch import Batch
from writer.converter import Converter
from writer.delivery import Delivery, Poison
from writer.entry import Entry
from writer.ops.restore.guard import Guard
from writer.rules_book import RulesBook
from writer.sink import Sink
from writer.waiting import Waiting

_ACCESS_DENIED = 497


class EarlierRun(ClickHouseError):
    """A run was killed, but ClickHouse still executes its statements. It passes by itself."""


class Item(NamedTuple):
    """A message to be restored; `letter`: the dead letter that kept it, None for a message of the topic."""

    entry: Entry
    letter: Letter | None = None

    @property
    def placed(self) -> Entry:
        """The entry; a record that stands alone in its message has the index that it had among the others."""
        if self.letter is None or self.letter.index is None:
            return self.entry
        return msgspec.structs.replace(self.entry, index=self.letter.index)


@dataclass
class Restored:
    """The outcome for some items, in rows."""

    inserted: int = 0
    present: int = 0
    rewritten: int = 0
    refused: list[Letter] = field(default_factory=list)
    """Letters for the rows that ClickHouse refuses. They are not published yet."""


@dataclass(frozen=True)
class RestoreDeps:
    """What a run works with on one topic."""

    sink: Sink
    """With the same comment in all runs on this topic."""
    rules: RulesBook
    guard: Guard
    waiting: Waiting
    metrics: Metrics
    failpoints: Failpoints
    run: str
    """The name of this run; no other has the same."""


class Restorer:
    """Makes the rows of one topic match its messages.

    1. Only missing rows are inserted, and looked for afterwards: running twice is the same as once.
    2. Tokens belong to this run alone. A retried insert has the same token.
    3. Before every try the guard agrees, and no statement of a killed run is still under way.
    4. With `rewrite`, exactly the rows that can be written again are deleted first. Killed in between, they are
       missing: the next run, with or without `rewrite`, inserts them.
    5. What ClickHouse refuses is found message by message, then row by row, and returned as letters.
    """

    def __init__(self, table: Table, converter: Converter, deps: RestoreDeps, *, rewrite: bool = False) -> None:
        self._table = table
        self._converter = converter
        self._deps = deps
        self._rewrite = rewrite
        self._batches = 0
        self._delivery = Delivery(table, deps.sink, deps.waiting, deps.metrics, deps.failpoints, deps.guard.check)

    async def alone(self) -> None:
        """Return when no statement of an earlier run is under way: its rows would be inserted twice."""
        await self._deps.waiting.until_done("an earlier run", self._look_for_earlier_run)

    async def convert(self, lane: Lane, items: Sequence[Item]) -> Batch:
        """The batch of some items, in order of offset. Raises `RulesUnavailable`."""
        entries = await self._deps.rules.applied([item.placed for item in items])
        batch = await asyncio.to_thread(self._convert, lane, entries, time.time_ns() // 1000)
        self._batches += 1
        batch.run = f"replay:{self._deps.run}:{self._batches}:"
        return batch

    async def look(self, batch: Batch, items: Sequence[Item]) -> Restored:
        """What `store` would do, without doing it."""
        if not batch.rows:
            return Restored()
        missing = len(await self._delivery.missing(batch))
        present = batch.rows - missing
        return Restored(missing, 0, present) if self._rewrite else Restored(missing, present)

    async def store(self, batch: Batch, items: Sequence[Item]) -> Restored:
        """Store the batch of these items. Raises what the guard raises."""
        if not batch.rows:
            return Restored()
        deleted = await self._delete(batch) if self._rewrite else 0
        inserted, refused = await self._insert(batch, items)
        rewritten = min(deleted, inserted)
        present = batch.rows - inserted - len(refused)
        return Restored(inserted - rewritten, present, rewritten, refused)

    def _convert(self, lane: Lane, entries: Sequence[Entry], now_us: int) -> Batch:
        """Each batch counts as planned: whether its rows are all there or all missing, the lane is never trusted."""
        return self._converter.convert(lane, entries, now_us, planned=True)

    async def _insert(self, batch: Batch, items: Sequence[Item]) -> tuple[int, list[Letter]]:
        """The number of inserted rows, and letters for those that ClickHouse refuses: halved down to the row."""
        try:
            return await self._delivery.store(batch), []
        except Poison:
            if len(items) == 1:
                return await self._insert_row_by_row(batch, items[0])
        inserted: int = 0
        refused: list[Letter] = []
        middle = len(items) // 2
        for half in (items[:middle], items[middle:]):
            part = await self.convert(batch.lane, half)
            if part.rows:
                more, letters = await self._insert(part, half)
                inserted, refused = inserted + more, refused + letters
        return inserted, refused

    async def _insert_row_by_row(self, batch: Batch, item: Item) -> tuple[int, list[Letter]]:
        missing = len(await self._delivery.missing(batch))
        refused = await self._delivery.store_row_by_row(batch)
        letters = []
        for row, reason in refused.items():
            index = batch.block.numbers("_index")[row]
            if item.letter is None or item.letter.index is None:
                letters.append(self._converter.letter_of_row(batch.lane, item.entry.message, index, reason))
            else:  # its message holds only this record, at 0
                one = self._converter.letter_of_row(batch.lane, item.entry.message, 0, reason)
                letters.append(msgspec.structs.replace(one, index=index))
        return missing - len(refused), letters

    async def _delete(self, batch: Batch) -> int:
        """Delete the batch's own rows, and no others in its range. Returns how many there were."""
        present = await self._delivery.present(batch)
        ours = present.intersection(batch.keys())
        if not ours:
            return 0

        async def delete() -> None:
            await self.alone()  # an abandoned try may still be about to delete what is inserted after it
            await self._deps.guard.check(batch)
            await self._deps.sink.delete(self._table, batch.range, ours, present - ours)

        await self._deps.waiting.until_done("delete", delete)
        self._deps.failpoints.reach("after_delete")
        return len(ours)

    async def _look_for_earlier_run(self) -> None:
        try:
            statements = await self._deps.sink.under_way(self._table)
        except ServerError as error:
            if error.code != _ACCESS_DENIED:
                raise
            return  # the user may not see processes; only a run killed a moment ago would matter
        if statements:
            raise EarlierRun(f"{statements} statements of an earlier run are still under way in ClickHouse")
