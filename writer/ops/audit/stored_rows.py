"""What ClickHouse says of a range of messages, without moving their rows."""

from collections.abc import Sequence
from typing import Any

from shared.clients.clickhouse import ClickHouse
from shared.queue.base import Lane
from shared.signals.base import Table
from writer.ops.audit.accounting import Seen, StoredCount
from writer.row_range import LOOK_SETTINGS, THIS_RANGE, RowRange

MessageId = tuple[int, int]
"""(_offset, received_at in microseconds): with the lane, what a message's rows have in common."""

OFFSETS_AT_ONCE = 5_000
"""Offsets named in one question: its text stays far below the server's `max_query_size` of 256 KiB."""


class StoredRows:
    """Questions about the rows of one lane. One connection, one thread at a time; each call waits for the server."""

    def __init__(self, clickhouse: ClickHouse, table: Table, lane: Lane) -> None:
        self._clickhouse = clickhouse
        self._lane = lane
        self._from = f"FROM `{clickhouse.database}`.`{table.name}` WHERE {THIS_RANGE}"

    def counts(self, messages: Sequence[Seen]) -> dict[MessageId, StoredCount]:
        """How many rows each message has; those without any are left out. Raises `ClickHouseError`.

        Both ranges are given, so that the table's partitions and its index of offsets serve (04). Rows that lie in them
        and belong to another message (a topic that was made anew) are in the answer under their own time.
        """
        stamped = [seen for seen in messages if seen.records]
        if not stamped:
            return {}
        found = self._ask(
            "SELECT _offset, toUnixTimestamp64Micro(received_at), count(), uniqExact(_index), max(_index)"
            f" {self._from} GROUP BY _offset, received_at",
            self._parameters(stamped),
        )
        return {(offset, at): StoredCount(*numbers) for offset, at, *numbers in found}

    def indices(self, messages: Sequence[Seen]) -> dict[MessageId, frozenset[int]]:
        """Which records of these messages are rows. Raises `ClickHouseError`."""
        found: dict[MessageId, frozenset[int]] = {}
        for start in range(0, len(messages), OFFSETS_AT_ONCE):
            part = messages[start : start + OFFSETS_AT_ONCE]
            rows = self._ask(
                "SELECT _offset, toUnixTimestamp64Micro(received_at), groupUniqArray(_index)"
                f" {self._from} AND _offset IN %(offsets)s GROUP BY _offset, received_at",
                {**self._parameters(part), "offsets": [seen.offset for seen in part]},
            )
            found |= {(offset, at): frozenset(indices) for offset, at, indices in rows}
        return found

    def _ask(self, sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        columns = self._clickhouse.query_columns(sql, parameters, LOOK_SETTINGS)
        return list(zip(*columns, strict=True))

    def _parameters(self, messages: Sequence[Seen]) -> dict[str, Any]:
        times = [seen.received_at for seen in messages]
        offsets = [seen.offset for seen in messages]
        return RowRange(self._lane, min(offsets), max(offsets), min(times), max(times)).parameters
