"""The logs next to a place, on one side of it: from there outward, in windows and steps of known cost."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from gateway.query.bounded import MAX_PAGE_BYTES
from gateway.query.logs.columns import render
from gateway.query.logs.conditions import matching
from gateway.query.logs.filters import LogQuery
from gateway.query.logs.page import place_behind
from gateway.query.logs.plan import plan_search
from gateway.query.logs.search import cost_of, fitting
from gateway.query.place import Place
from gateway.query.range import Range
from gateway.query.reader import Reader, Rows
from gateway.query.steps import Step
from shared.formats.values import EARLIEST_US, LATEST_US

WINDOWS_US = (5 * 60 * 1_000_000, 24 * 3_600_000_000)
"""How far each window reaches: in the first one nearly all of them are found."""

REACH_US = WINDOWS_US[-1]

MOST_ROWS = 2_000_000
"""Rows that are looked at on one side: some four steps."""


class Nearby(NamedTuple):
    """`logs`: their JSON, the nearest first. `to`: as far as it was looked, microseconds."""

    logs: list[bytes]
    to: int


async def look_outward(
    reader: Reader, project_id: str, query: LogQuery, names: Sequence[str], place: Place, *, older: bool
) -> Nearby:
    """The first logs of a query before a place, with `older`, or behind it, in the total order of places. Raises
    `TooBig`, `Unavailable`."""
    logs: list[bytes] = []
    to, looked_at = place.timestamp, 0
    for window in windows(place.timestamp, older=older):
        for step in await _steps(reader, project_id, query, window, older=older):
            left, size = query.limit - len(logs), sum(map(len, logs))
            if not left or size >= MAX_PAGE_BYTES or (looked_at and looked_at + step.rows > MOST_ROWS):
                return Nearby(logs, to)
            part = replace(query, start=step.start, end=step.end, limit=left, after=place)
            some = await fitting(reader, matching(project_id, part), part, names, _some_of, descending=older)
            logs += some.logs
            if some.last is not None:
                return Nearby(logs, some.last.timestamp)
            to, looked_at = step.start if older else step.end, looked_at + step.rows
    return Nearby(logs, to)


def windows(moment: int, *, older: bool) -> Iterator[Range]:
    """The ranges of time to look at, from a moment outward, without gaps."""
    near = 0
    for far in WINDOWS_US:
        window = Range(moment - far, moment - near) if older else Range(moment + near, moment + far)
        near = far + 1
        possible = Range(max(window.start, EARLIEST_US), min(window.end, LATEST_US))
        if possible.start <= possible.end:
            yield possible


async def _steps(reader: Reader, project_id: str, query: LogQuery, window: Range, *, older: bool) -> list[Step]:
    """Of a window, the nearest first."""
    plan = await plan_search(reader, project_id, window, cost_of(matching(project_id, query)))
    return plan.steps if older else plan.steps[::-1]


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
