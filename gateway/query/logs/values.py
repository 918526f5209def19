"""The values that the newest logs have in some fields, counted by the server."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from gateway.query.dimensions import Dimension
from gateway.query.logs.newest import NEWEST_FIRST, Looked
from gateway.query.reader import Reader, Rows
from gateway.query.source import Source
from gateway.query.stored import text_of

MAX_VALUE = 512
"""Characters of a value. Longer ones that begin alike are counted as one."""


class Values:
    """`counts`: for each field value -> logs, '' for logs without one."""

    def __init__(self, reader: Reader, fields: Sequence[Dimension]) -> None:
        self.counts: list[Counter[str]] = [Counter() for _ in fields]
        self._reader = reader
        self._expressions = [f"substringUTF8(CAST({field.sql} AS String), 1, {MAX_VALUE})" for field in fields]
        self._values: dict[str, Any] = {name: value for field in fields for name, value in field.values.items()}

    async def look(self, source: Source, most: int) -> Looked:
        """Count the newest logs of a source (`Look`)."""
        newest = source.query(f"[{', '.join(self._expressions)}] AS found, timestamp", NEWEST_FIRST)
        sql = (
            "SELECT field, value, count(), toUnixTimestamp64Micro(min(timestamp))"  # noqa: S608 - names of ours
            f" FROM ({newest}) ARRAY JOIN found AS value, arrayEnumerate(found) AS field GROUP BY field, value"
        )
        return await self._reader.read(
            lambda rows: self._take(rows, most),
            sql,
            source.values | self._values | {"rows": most},
            project_id=source.project_id,
            settings=source.settings,
        )

    def _take(self, rows: Rows, most: int) -> Looked:
        for field, value, count, _ in rows:
            self.counts[field - 1][text_of(value)] += count
        looked = sum(count for field, _, count, _ in rows if field == 1)
        return Looked(looked, min(oldest for *_, oldest in rows) if looked >= most else None)
