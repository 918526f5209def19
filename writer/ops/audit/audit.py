"""Compares the queue with the table, lane by lane, up to the committed offset (delivery.md, "Audit")."""

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

from shared.clients.clickhouse import ClickHouse, ServerError
from shared.queue.base import Queue
from writer.converter import Converter
from writer.entry import Entry
from writer.ops.audit.accounting import (
    Counts,
    Former,
    Seen,
    StoredCount,
    length_of_union,
    needs_indices,
    seen_of,
    total_of,
)
from writer.ops.audit.contents import Contents
from writer.ops.audit.letter_book import LetterBook
from writer.ops.audit.stored_rows import StoredRows
from writer.ops.operator import Operator
from writer.ops.ranges import LaneRange, Wanted, cover, part_of_gap
from writer.rules_book import RulesBook

CHUNK_MESSAGES, CHUNK_RECORDS = 20_000, 500_000
"""The size of one query to ClickHouse, whichever is reached first."""

CONTENT_RECORDS, CONTENT_BYTES = 20_000, 16_000_000
"""The same where contents are compared: messages and rows are held whole."""

LANES_AT_ONCE = 4
_UNKNOWN_TABLE = 60
ANSWER_S = 30.0
"""A ClickHouse that sends nothing for this long, not even progress, counts as away."""

Report = Callable[[int], None]
"""Gets a number of offsets: how many there are, or how many more are done."""


@dataclass
class Audited:
    """One lane's accounts."""

    range: LaneRange
    counts: Counts = field(default_factory=Counts)
    stored_up_to: int | None = None
    """The highest offset in ClickHouse, where the queue ends before it: then the queue has lost messages."""
    former: Former = field(default_factory=Former)
    """Rows of a former queue, where this one has given out their offsets again."""
    skipped: bool = False
    """There is nothing to compare: no message, and no table."""

    @property
    def ok(self) -> bool:
        return self.counts.ok and self.stored_up_to is None and not self.former


async def audit(
    operator: Operator,
    wanted: Wanted,
    *,
    contents: bool = False,
    begun: Report = lambda _: None,
    progress: Report = lambda _: None,
) -> list[Audited]:
    """Account for every record of the range, without touching the group. `begun` gets the number of offsets, `progress`
    that of each finished chunk. With `contents` every column of each row is compared with what its record gives.

    The committed offsets are read first, then the letters, then messages and rows: a running writer changes nothing
    below those offsets, and what it gave up there has its letter.

    Raises:
        BadRange: no such signal, topic or partition.
        QueueError, ClickHouseError
        RulesUnavailable: only with `contents`.
    """
    ranges = await cover(operator.queue, operator.registry, operator.groups, wanted)
    begun(sum(len(each) for each in ranges))
    book = LetterBook(ranges)
    for topic in {each.signal.dead_letter_topic for each in ranges}:
        await book.read(operator.queue, topic)
    done = [Audited(each) for each in ranges]
    for one in done:
        one.counts.gaps = _gaps(one.range, book, wanted)
    turns = asyncio.Semaphore(LANES_AT_ONCE)
    rules = operator.rules_book()

    async def in_turn(one: Audited) -> None:
        async with turns:
            await _LaneAudit(operator, book, one, progress, rules if contents else None).audit()

    tasks = [asyncio.create_task(in_turn(one)) for one in done]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await rules.close()
    return done


def total(done: list[Audited]) -> Counts:
    return total_of(one.counts for one in done)


def _gaps(covered: LaneRange, book: LetterBook, wanted: Wanted) -> int:
    """What writers noticed as gone, and what is gone now but not noticed yet; an offset counts once."""
    marked = [part_of_gap((first, end), noticed_ms, wanted) for first, end, noticed_ms in book.gaps(covered.lane)]
    return length_of_union([*marked, covered.lost])


class _Chunk:
    """The messages of one look at ClickHouse; whole only where their contents are compared."""

    def __init__(self, contents: bool) -> None:
        self.seen: list[Seen] = []
        self.entries: list[Entry] = []
        self._contents = contents
        self._records = self._bytes = 0

    def add(self, entry: Entry) -> None:
        self.seen.append(seen_of(entry))
        self._records += self.seen[-1].records
        if self._contents:
            self.entries.append(entry)
            self._bytes += entry.size

    @property
    def is_full(self) -> bool:
        if self._contents and (self._records >= CONTENT_RECORDS or self._bytes >= CONTENT_BYTES):
            return True
        return len(self.seen) >= CHUNK_MESSAGES or self._records >= CHUNK_RECORDS


class _LaneAudit:
    """Audits one lane chunk by chunk; holds only one chunk's numbers. Contents are compared where there are `rules`."""

    def __init__(
        self, operator: Operator, book: LetterBook, one: Audited, progress: Report, rules: RulesBook | None
    ) -> None:
        self._queue: Queue = operator.queue
        self._url = operator.settings.services.clickhouse_url
        self._answer_s = min(ANSWER_S, operator.settings.writer.insert_timeout_s)
        self._converter = Converter(one.range.signal.table, operator.registry.formats_of(one.range.signal))
        self._rules = rules
        self._compares_contents = rules is not None
        self._book = book
        self._range = one.range
        self._one = one
        self._counts = one.counts
        self._progress = progress
        self._reached = one.range.first

    async def audit(self) -> None:
        covered, chunk = self._range, _Chunk(self._compares_contents)
        with closing(ClickHouse(self._url, timeout_s=self._answer_s)) as clickhouse:
            stored = StoredRows(clickhouse, covered.signal.table, covered.lane)
            contents = Contents(clickhouse, self._converter, covered.signal.table, covered.lane)
            await self._look_ahead(stored)
            if not len(covered):
                return
            async for messages in self._queue.read(covered.lane, covered.first, covered.end):
                for message in messages:
                    chunk.add(self._converter.read(message))
                    if chunk.is_full:
                        await self._judge(chunk, stored, contents, message.offset + 1)
                        chunk = _Chunk(self._compares_contents)
            await self._judge(chunk, stored, contents, covered.end)

    async def _look_ahead(self, stored: StoredRows) -> None:
        """Look for rows above what the writers have committed: a former queue's, unless a writer is storing them now.

        Only messages need a table: a signal that is not used may have none.
        """
        lane, state = self._range.lane, self._range.state
        try:
            highest = await asyncio.to_thread(stored.highest_from, state.goes_on_at)
        except ServerError as error:
            if error.code != _UNKNOWN_TABLE or len(self._range):
                raise
            self._one.skipped = True
            return
        if highest is None:
            return
        if highest >= (await self._queue.end_offsets([lane]))[lane]:  # read after the rows: it may have moved
            self._one.stored_up_to = highest
            return
        async for messages in self._queue.read(lane, highest, highest + 1):
            seen = [seen_of(self._converter.read(message)) for message in messages]
            self._one.former.look(seen, await asyncio.to_thread(stored.counts, seen))

    async def _judge(self, chunk: "_Chunk", stored: StoredRows, contents: Contents, reached: int) -> None:
        accounts = Counts()
        rows = await asyncio.to_thread(self._look, chunk.seen, stored)
        entries = await self._rules.applied(chunk.entries) if self._rules else ()
        for message, altered in (await asyncio.to_thread(contents.altered, entries)).items():
            if message in rows:
                rows[message] = rows[message]._replace(altered=altered)
        self._one.former.look(chunk.seen, rows)
        now_us = time.time_ns() // 1000
        for seen in chunk.seen:
            marks = self._book.marks(self._range.lane, seen.offset, seen.timestamp_ms)
            accounts.judge(seen, rows.get((seen.offset, seen.received_at), StoredCount()), marks, now_us)
        self._counts.add(accounts)
        self._progress(reached - self._reached)
        self._reached = reached

    def _look(self, chunk: list[Seen], stored: StoredRows) -> dict[tuple[int, int], StoredCount]:
        """How many rows each message has, and which, for the few messages where it matters."""
        rows = stored.counts(chunk)
        unclear = [
            seen
            for seen in chunk
            if (found := rows.get((seen.offset, seen.received_at)))
            and needs_indices(seen, found, self._book.marks(self._range.lane, seen.offset, seen.timestamp_ms))
        ]
        self._note_altered(chunk, rows, stored)
        indices = stored.indices(unclear)
        for seen in unclear:
            key = seen.offset, seen.received_at
            rows[key] = rows[key]._replace(indices=indices.get(key, frozenset()))
        return rows

    def _note_altered(self, chunk: list[Seen], rows: dict[tuple[int, int], StoredCount], stored: StoredRows) -> None:
        """Count the records of each message that are rows of another project or retention."""
        strange = [
            seen
            for seen in chunk
            if (found := rows.get((seen.offset, seen.received_at))) and found.rules != (seen.rules, seen.rules)
        ]
        altered = stored.altered(strange)
        for seen in strange:
            key = seen.offset, seen.received_at
            rows[key] = rows[key]._replace(altered=altered.get(key, 0))
