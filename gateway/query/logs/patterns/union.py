"""The logs of several parts of a range counted in one statement."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from gateway.query.asked import Asked
from gateway.query.logs.patterns.covered import Covered
from gateway.query.logs.patterns.query import MAX_PATTERN
from gateway.query.reader import Reader, Rows

T = TypeVar("T")

MAX_PATTERNS = 2_000
"""Most patterns that are looked at: those that come first."""

KEY = "cityHash64(pattern)"
"""A pattern in few bytes."""

SHOWN = f"substringUTF8(pattern, 1, {MAX_PATTERN}), {KEY}"
"""Of a pattern."""

_COUNTS = "count() AS n, min(timestamp) AS first, max(timestamp) AS last"


class Counting(NamedTuple):
    """Of which logs, and into which `slot`, an expression over a log."""

    asked: Asked
    counted: Covered
    slot: str


class Union(NamedTuple):
    """`sql`: a table of `pattern`, `level`, `slot`, `n`, `first` and `last`, each pattern in several rows."""

    sql: str
    values: dict[str, Any]
    settings: dict[str, Any]
    project_id: str

    async def read(self, reader: Reader, make: Callable[[Rows], T], slots: int, order: str) -> T:
        """What `make` makes of the first patterns in an order, on the query's own thread: text, key, count, levels,
        first and last time (microseconds), counts of the slots; of all patterns their logs and their number. `order`:
        SQL in terms of `count`, `first_seen`, `last_seen` and `slots`. Raises what `Reader.read` raises."""
        return await reader.read(
            make,
            f"SELECT {SHOWN}, sum(n) AS count, groupUniqArray(level), toUnixTimestamp64Micro(min(first)) AS first_seen,"  # noqa: S608 - SQL of ours
            f" toUnixTimestamp64Micro(max(last)) AS last_seen, sumResample(0, {slots}, 1)(n, slot) AS slots,"
            f" sum(count) OVER (), count() OVER () FROM ({self.sql})"
            f" GROUP BY pattern ORDER BY {order}, pattern LIMIT {MAX_PATTERNS}",
            self.values,
            project_id=self.project_id,
            settings=self.settings,
        )


def union(reader: Reader, project_id: str, countings: Sequence[Counting]) -> Union:
    """What all of them count."""
    selects: list[str] = []
    values: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    for n, (asked, counted, slot) in enumerate(countings):
        for m, part in enumerate(counted.parts):
            source = part.source(reader, project_id, asked, f"part_{n}_{m}_")
            selects.append(source.query(f"pattern, level, {slot} AS slot, {_COUNTS}", "GROUP BY pattern, level, slot"))
            values |= source.values
            settings |= source.settings or {}
    return Union(" UNION ALL ".join(selects), values, settings, project_id)
