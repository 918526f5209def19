"""The logs of an export, page by page: no result is ever held whole, neither here nor in ClickHouse."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from gateway.query.logs.conditions import matching
from gateway.query.logs.export.files import File
from gateway.query.logs.filters import LogQuery
from gateway.query.logs.page import Page, gathered
from gateway.query.logs.plan import plan_search
from gateway.query.logs.search import cost_of, fitting
from gateway.query.logs.stepwise import left_of, place_before
from gateway.query.reader import Reader, Rows

MAX_ROWS = 1_000_000
"""Of one file."""

PAGE_BYTES = 2_000_000
"""A page ends behind the log that reaches it."""

PAGE_ROWS = 10_000
FIRST_ROWS = 1_000
"""Of the first page, when nobody knows yet how large the rows are: ClickHouse sorts them in memory."""


async def export_pages(
    reader: Reader, project_id: str, query: LogQuery, columns: Sequence[str], file: File
) -> AsyncIterator[Page]:
    """Pages of a query, the newest logs first, until there are `MAX_ROWS` or no more; some may be empty. The `last` of
    a page is where the next one goes on, None for the end. Each is a query of its own, within a step of known cost
    (reading.md, "Steps"). Raises `TooBig`, `Unavailable`."""

    def make(names: Sequence[str], rows: Rows, limit: int) -> Page:
        return gathered(names, rows, file.lines(rows[:limit]), PAGE_BYTES)

    left, most = MAX_ROWS, FIRST_ROWS
    while left:
        plan = await plan_search(reader, project_id, left_of(query), cost_of(matching(project_id, query)))
        for step in plan.steps:
            is_last = plan.whole and step is plan.steps[-1]
            part = replace(query, start=step.start, end=step.end)
            while left:
                part = replace(part, limit=min(left, most))
                page = await fitting(reader, matching(project_id, part), part, columns, make)
                left, most = left - page.n, _suitable(most, page)
                if page.last is None:
                    yield page if is_last else replace(page, last=place_before(step.start))
                    break
                yield page
                part = replace(part, after=page.last)
            if is_last:
                return
        query = replace(query, end=plan.steps[-1].start - 1, after=None)


def _suitable(most: int, page: Page) -> int:
    """How many rows the next page should have to be about as large as it may."""
    if not page.size:
        return most
    return max(1, min(PAGE_ROWS, 4 * most, page.n * PAGE_BYTES // page.size))
