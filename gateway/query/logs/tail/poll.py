"""One poll of a tail: the logs of a stretch, the newest of them if they are many."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from gateway.query.language import Condition
from gateway.query.logs.columns import KEYS, render
from gateway.query.logs.conditions import matching
from gateway.query.logs.filters import LogQuery
from gateway.query.logs.page import select
from gateway.query.logs.tail.stretch import Stretch
from gateway.query.place import PLACE_COLUMNS, Place
from gateway.query.reader import Cramped, Reader, Rows, TooBig
from gateway.query.source import Source
from shared.signals.logs import LOGS

MOST = 50
"""Logs of a poll, of which there is one a second."""

MOST_BYTES = 262_144
"""Of their texts: a poll ends behind the log that reaches this size."""

_ARRIVAL = PLACE_COLUMNS[1:]
"""The order of a tail: as they were received."""


@dataclass(frozen=True)
class TailLog:
    """`json`: the object that `GET /logs` has. `late`: it is much older than others that were shown before."""

    json: bytes
    place: Place
    late: bool


@dataclass(frozen=True)
class LeftOut:
    """Logs that were found and are not shown. `count`: None if they were not even looked at. `start`, `end`: the range
    of their timestamps, microseconds, both inclusive; not exact without a count."""

    count: int | None
    start: int
    end: int


async def poll(
    reader: Reader, project_id: str, query: LogQuery, stretch: Stretch, late_before: int
) -> tuple[list[TailLog], LeftOut | None]:
    """The logs of a stretch in the order in which they were received, and what is left out of older ones.

    `late_before`: a timestamp, microseconds. Raises `Unavailable`, `TooBig`.
    """
    if stretch.is_far:
        return [], LeftOut(None, stretch.begins.complete, stretch.until.complete)
    if not stretch.parts:
        return [], None
    _, *conditions = matching(project_id, query)  # the first is the project's, which every source has
    source = Source.of(reader.database, LOGS.name, project_id, [*conditions, stretch.condition])
    logs, found = await _newest(reader, source, (*KEYS, *query.include), late_before)
    return logs, await _left_out(reader, source, logs) if found > len(logs) else None


async def _newest(reader: Reader, source: Source, names: Sequence[str], late_before: int) -> tuple[list[TailLog], int]:
    """The newest logs, and how many were found, at most one more than are shown. Fewer where they are so large that the
    server has no room to sort them."""
    for most in (MOST, MOST // 10):
        try:
            return await _read(reader, source, names, late_before, most)
        except (TooBig, Cramped):
            continue
    return await _read(reader, source, names, late_before, 1)


async def _read(
    reader: Reader, source: Source, names: Sequence[str], late_before: int, most: int
) -> tuple[list[TailLog], int]:
    newest_first = ", ".join(f"{column} DESC" for column in _ARRIVAL)
    newest = f"{source.sql} ORDER BY {newest_first} LIMIT %(rows)s"
    return await select(names, newest, _ARRIVAL, most=MOST_BYTES).read(
        reader,
        partial(_logs, names, late_before, most),
        source.values | {"rows": most + 1},
        project_id=source.project_id,
        settings=source.settings,
    )


def _logs(names: Sequence[str], late_before: int, most: int, rows: Rows) -> tuple[list[TailLog], int]:
    kept = rows[:most]
    places = [Place(*row[len(names) : -1]) for row in kept]
    texts = render(names, kept)
    logs = [TailLog(text, place, place.timestamp < late_before) for text, place in zip(texts, places, strict=True)]
    return logs[::-1], rows[0][-1] if rows else 0


async def _left_out(reader: Reader, source: Source, shown: Sequence[TailLog]) -> LeftOut | None:
    """The logs of a source that were received before those that are shown."""
    bounds = {f"arrival_{n}": value for n, value in enumerate(shown[0].place[1:])}
    first = ", ".join(
        f"fromUnixTimestamp64Micro(%({name})s)" if not n else f"%({name})s" for n, name in enumerate(bounds)
    )
    before = Condition(f"({', '.join(_ARRIVAL)}) < ({first})", bounds)
    times = [f"toUnixTimestamp64Micro({each}(timestamp))" for each in ("min", "max")]
    [(count, start, end)] = await source.narrowed(before).rows(reader, ", ".join(("count()", *times)))
    return LeftOut(count, start, end) if count else None
