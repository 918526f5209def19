"""A search that goes back step by step, and stops early when it has looked at as many rows as it may
(reading.md, "Steps")."""

from dataclasses import dataclass, replace

from gateway.query.bounded import MAX_PAGE_BYTES
from gateway.query.language import Cost
from gateway.query.logs.conditions import matching
from gateway.query.logs.filters import LogQuery
from gateway.query.logs.page import Page
from gateway.query.logs.search import Found, as_many_as_fit, cost_of, table_of, too_large
from gateway.query.place import Place
from gateway.query.reader import Reader, TooBig
from gateway.query.steps import BUCKET_US, MAX_PARSED_ROWS, MAX_ROWS, Step, steps
from gateway.query.times import format_time
from shared.formats.values import EARLIEST_US, LATEST_US
from shared.signals.logs import LOGS

MOST_BUCKETS = 2_016
"""Buckets that one search plans with: a week of five minutes. An older rest is for the next search."""

_LAST_COUNTED_S = 2**32 - 1
"""ClickHouse can name the five minutes of the times from 1970 to here. Rows of other times are found all the same."""


@dataclass(frozen=True)
class Searched:
    """How far a search went: back to this time (microseconds), through about so many rows of those in the range."""

    to: int
    rows: int
    of: int

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Searched-To": format_time(self.to), "X-Searched-Rows": f"{self.rows}/{self.of}"}


@dataclass(frozen=True)
class _Plan:
    steps: list[Step]
    rows: int
    whole: bool
    """Whether it reaches the start of the range."""


async def search_in_steps(reader: Reader, project_id: str, query: LogQuery, budget: int) -> tuple[Found, Searched]:
    """The page of a query, or what was found of it within the budget; at least one step is searched. `total` counts
    what was found. Raises `BadQuery` if the page is too large, and `Unavailable`."""
    plan = await _plan(reader, project_id, query)
    page, to, rows = Page([]), plan.steps[0].end, 0
    for step in plan.steps:
        if rows and rows + step.rows > budget:
            break
        part = replace(query, start=step.start, end=step.end, limit=query.limit - page.n)
        try:
            page += await as_many_as_fit(reader, matching(project_id, part), part)
        except TooBig as error:
            raise too_large(query.limit) from error
        to, rows = step.start, rows + step.rows
        if page.last is not None or page.n >= query.limit or page.size >= MAX_PAGE_BYTES:
            break
    if page.last is not None:
        to = page.last.timestamp
    elif not plan.whole or to > plan.steps[-1].start:
        page = replace(page, last=_before(to))
    return Found(page, page.n, page.last is not None), Searched(to, rows, plan.rows)


async def _plan(reader: Reader, project_id: str, query: LogQuery) -> _Plan:
    start = EARLIEST_US if query.start is None else query.start
    end = LATEST_US if query.end is None else query.end
    if query.after is not None:
        end = max(min(end, query.after.timestamp), start)
    counts, rows = await _counts(reader, project_id, start, end)
    whole = len(counts) < MOST_BUCKETS
    if not whole:
        start = max(start, min(counts))
    parsed = cost_of(matching(project_id, query)) >= Cost.ATTRIBUTES
    return _Plan(list(steps(start, end, counts, MAX_PARSED_ROWS if parsed else MAX_ROWS)), rows, whole)


async def _counts(reader: Reader, project_id: str, start: int, end: int) -> tuple[dict[int, int], int]:
    """The newest buckets of a range, and how many rows all of its buckets hold."""
    bucket = "toStartOfFiveMinutes(timestamp)"
    bounds = {"first": _seconds(start // BUCKET_US * BUCKET_US), "last": _seconds(end)}
    found = await reader.query(
        f"SELECT toUnixTimestamp({bucket}), count(), sum(count()) OVER () FROM {table_of(reader, LOGS)}"  # noqa: S608 - names of ours
        f" WHERE project_id = %(project_id)s AND {bucket} >= toDateTime(%(first)s) AND {bucket} <= toDateTime(%(last)s)"
        f" GROUP BY {bucket} ORDER BY {bucket} DESC LIMIT {MOST_BUCKETS}",
        {"project_id": project_id, **bounds},
        project_id=project_id,
    )
    return {seconds * 1_000_000: rows for seconds, rows, _ in found}, found[0][2] if found else 0


def _seconds(moment: int) -> int:
    return min(max(moment // 1_000_000, 0), _LAST_COUNTED_S)


def _before(moment: int) -> Place:
    """The place that only rows from before this time come after: no row was received at the last time there is."""
    return Place(moment - 1, LATEST_US, 0, 0, 0, "")
