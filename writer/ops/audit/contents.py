"""Whether rows hold what their messages say: each record is derived again, and compared column by column."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from shared.clients.clickhouse import ClickHouse
from shared.formats.base import Columns
from shared.queue.base import Lane
from shared.signals.base import Column, Table
from writer.batch import Batch
from writer.converter import Converter
from writer.entry import Entry
from writer.ops.audit.stored_rows import MessageId
from writer.row_range import LOOK_SETTINGS, THIS_RANGE


class Contents:
    """Compares the rows of one lane. One connection, one thread at a time; each call waits for the server."""

    def __init__(self, clickhouse: ClickHouse, converter: Converter, table: Table, lane: Lane) -> None:
        self._clickhouse = clickhouse
        self._converter = converter
        self._table = table
        self._lane = lane

    def altered(self, entries: Sequence[Entry]) -> Counter[MessageId]:
        """How many records of each message are rows of another content. Raises `ClickHouseError`."""
        found: Counter[MessageId] = Counter()
        if not entries:
            return found
        batch = self._converter.convert(self._lane, entries, time.time_ns() // 1000)
        if batch.rows:
            offsets, received_at = map(batch.block.numbers, ("_offset", "received_at"))
            for row in self._differing(batch, self._stored(batch)):
                found[offsets[row], received_at[row]] += 1
        return found

    def _stored(self, batch: Batch) -> Columns:
        names = ", ".join(_as_sent(column) for column in self._table.columns)
        sql = f"SELECT {names} FROM `{self._clickhouse.database}`.`{self._table.name}` WHERE {THIS_RANGE}"  # noqa: S608
        found = self._clickhouse.query_columns(sql, batch.range.parameters, LOOK_SETTINGS)
        return dict(zip(self._table.column_names, map(list, found), strict=False))

    def _differing(self, batch: Batch, stored: Columns) -> set[int]:
        """The rows of the batch of which a copy is stored that differs."""
        place = {key: row for row, key in enumerate(batch.keys())}
        keys = zip(*(stored.get(name, ()) for name in ("_offset", "_index", "received_at")), strict=True)
        pairs = [(place[key], copy) for copy, key in enumerate(keys) if key in place]
        differing: set[int] = set()
        for column in self._table.columns:
            derived = batch.block.columns.get(column.name)
            copies = stored.get(column.name, [])
            for row, copy in pairs:
                value = column.default if derived is None else derived.values[row]
                if _plain(value) != _plain(copies[copy]):
                    differing.add(row)
        return differing


def _as_sent(column: Column) -> str:
    """As the writer sends it: times are whole microseconds."""
    return f"toUnixTimestamp64Micro(`{column.name}`)" if column.type.startswith("DateTime64") else f"`{column.name}`"


def _plain(value: Any) -> Any:
    return value.encode(errors="surrogatepass") if isinstance(value, str) else value
