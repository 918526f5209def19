"""The logs next to a place: from there outward on one side, in steps of known cost."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from gateway.query.bounded import MAX_PAGE_BYTES
from gateway.query.language import EVERYTHING
from gateway.query.logs.columns import render
from gateway.query.logs.conditions import matching
from gateway.query.logs.counts import Counts
from gateway.query.logs.filters import LogQuery
from gateway.query.logs.page import place_behind
from gateway.query.logs.plan import PART, most_rows, parted, steps_of
from gateway.query.logs.search import cost_of, fitting
from gateway.query.place import Place
from gateway.query.range import Range
from gateway.query.reader import Reader, Rows
from gateway.query.steps import Step
from gateway.query.times import clamp
from shared.signals.logs import LOGS

REACH_US = 24 * 3_600_000_000
"""How far it is looked on each side."""

MOST_ROWS = 2_000_000
"""Rows that are looked at on one side: some four steps, or one by an index."""

_INDEXED = {index.expression for index in LOGS.all_indexes if index.type.startswith("bloom_filter")}
"""Columns by which few of the rows are read."""


class Nearby(NamedTuple):
    """`logs`: their JSON, the nearest first. `to`: as far as it was looked, microseconds."""

    logs: list[bytes]
    to: int


async def look_outward(
    reader: Reader, query: LogQuery, names: Sequence[str], place: Place, counts: Counts, *, project_id: str, older: bool
) -> Nearby:
    """The first logs of a query before a place, with `older`, or behind it, in the total order of places. `counts`: of
    the project's logs within reach. Raises `TooBig`, `Unavailable`."""
    logs: list[bytes] = []
    to, looked_at = place.timestamp, 0
    for step in steps_outward(project_id, query, place.timestamp, counts, older=older):
        left, size = query.limit - len(logs), sum(map(len, logs))
        if not left or size >= MAX_PAGE_BYTES or (looked_at and looked_at + step.rows > MOST_ROWS):
            break
        part = replace(query, start=step.start, end=step.end, limit=left, after=place)
        some = await fitting(reader, matching(project_id, part), part, names, _some_of, descending=older)
        logs += some.logs
        if some.last is not None:
            return Nearby(logs, some.last.timestamp)
        to, looked_at = step.start if older else step.end, looked_at + step.rows
    return Nearby(logs, to)


def steps_outward(project_id: str, query: LogQuery, moment: int, counts: Counts, *, older: bool) -> list[Step]:
    """Of one side of a moment, the nearest first."""
    is_indexed = query.q == EVERYTHING and any(column in _INDEXED for column, _ in query.equal)
    most = MOST_ROWS if is_indexed else most_rows(cost_of(matching(project_id, query)))
    sides = Range(clamp(moment - REACH_US), moment), Range(moment, clamp(moment + REACH_US))
    nearest, *others = steps_of(sides[0], counts, most) if older else steps_of(sides[1], counts, most)[::-1]
    near = (nearest,) if is_indexed else parted(nearest, counts, most // PART, oldest=not older)
    return [*near, *others]


class _Some(NamedTuple):
    """`last`: the place of the last of these logs if more follow."""

    logs: list[bytes]
    last: Place | None


def _some_of(names: Sequence[str], rows: Rows, limit: int) -> _Some:
    """At most `limit` of these rows, and no more once they are large."""
    logs: list[bytes] = []
    size = 0
    for log in render(names, rows[:limit]):
        logs.append(log)
        size += len(log)
        if size >= MAX_PAGE_BYTES:
            break
    return _Some(logs, place_behind(names, rows, len(logs)))
