"""Which messages of a range have rows in ClickHouse, without moving the rows."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from shared.clients.clickhouse import ClickHouse
from shared.queue.base import Lane
from shared.signals.base import Table
from writer.ops.audit.accounting import Seen, StoredCount
from writer.row_range import LOOK_SETTINGS, THIS_LANE, THIS_RANGE, RowRange

MessageId = tuple[int, int]
"""(_offset, received_at in microseconds): what the rows of a message have in common, beside the lane."""

OFFSETS_AT_ONCE = 5_000
"""Offsets named in one query: its text stays far below the server's `max_query_size` of 256 KiB."""


class StoredRows:
    """Queries about the rows of one lane. One connection, one thread at a time; each call waits for the server."""

    def __init__(self, clickhouse: ClickHouse, table: Table, lane: Lane) -> None:
        self._clickhouse = clickhouse
        self._lane = lane
        self._of_lane = f"FROM `{clickhouse.database}`.`{table.name}` WHERE {THIS_LANE}"
        self._at_offsets = f"{self._of_lane} AND _offset BETWEEN %(first)s AND %(last)s"
        self._from = f"FROM `{clickhouse.database}`.`{table.name}` WHERE {THIS_RANGE}"

    def counts(self, messages: Sequence[Seen]) -> dict[MessageId, StoredCount]:
        """How many rows each message has; messages without rows are left out. Raises `ClickHouseError`.

        Rows at these offsets that belong to another message (of a former queue) are in the answer under their own time,
        however long before or after.
        """
        stamped = [seen for seen in messages if seen.records]
        if not stamped:
            return {}
        found = self._ask(
            "SELECT _offset, toUnixTimestamp64Micro(received_at), count(), uniqExact(_index), max(_index),"
            " min(project_id), min(retention_days), max(project_id), max(retention_days)"
            f" {self._at_offsets} GROUP BY _offset, received_at",
            self._parameters(stamped),
        )
        return {
            (offset, at): StoredCount(copies, distinct, highest, rules=((low, fewest), (high, most)))
            for offset, at, copies, distinct, highest, low, fewest, high, most in found
        }

    def altered(self, messages: Sequence[Seen]) -> dict[MessageId, int]:
        """How many records of these messages are rows of another project or retention. Raises `ClickHouseError`."""
        rules = {(seen.offset, seen.received_at): seen.rules for seen in messages}
        found: Counter[MessageId] = Counter()
        for start in range(0, len(messages), OFFSETS_AT_ONCE):
            part = messages[start : start + OFFSETS_AT_ONCE]
            rows = self._ask(
                "SELECT _offset, toUnixTimestamp64Micro(received_at), project_id, retention_days, uniqExact(_index)"
                f" {self._from} AND _offset IN %(offsets)s GROUP BY _offset, received_at, project_id, retention_days",
                {**self._parameters(part), "offsets": [seen.offset for seen in part]},
            )
            for offset, at, project_id, days, records in rows:
                if rules.get((offset, at), (project_id, days)) != (project_id, days):
                    found[offset, at] += records
        return found

    def highest_from(self, offset: int) -> int | None:
        """The highest offset of the lane's rows, if it is at least this one. Raises `ClickHouseError`."""
        found = self._ask(
            f"SELECT max(_offset), count() {self._of_lane} AND _offset >= %(offset)s",
            {**self._lane._asdict(), "offset": offset},
        )
        return next((int(highest) for highest, rows in found if rows), None)

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
