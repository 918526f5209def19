"""A search that goes back step by step, and stops early when it has looked at as many rows as it may
(reading.md, "Steps")."""

from dataclasses import replace

from gateway.query.bounded import MAX_PAGE_BYTES
from gateway.query.logs.conditions import matching
from gateway.query.logs.filters import LogQuery
from gateway.query.logs.page import Page
from gateway.query.logs.plan import PART, Searched, most_rows, plan_search
from gateway.query.logs.search import Found, as_many_as_fit, cost_of, too_large
from gateway.query.place import MOST_EQUAL, Place
from gateway.query.range import Range
from gateway.query.reader import Reader, TooBig
from shared.formats.values import EARLIEST_US, LATEST_US


async def search_in_steps(reader: Reader, project_id: str, query: LogQuery, budget: int) -> tuple[Found, Searched]:
    """The page of a query, or what was found of it within the budget; at least one step is searched. `total` counts
    what was found. Raises `BadQuery` if the page is too large, and `Unavailable`."""
    cost = cost_of(matching(project_id, query))
    enough = most_rows(cost) // PART if query.is_narrowed else query.limit + 1 + MOST_EQUAL
    plan = await plan_search(reader, project_id, left_of(query), cost, enough)
    page = Page([])
    for step, searched in plan.within(budget):
        part = replace(query, start=step.start, end=step.end, limit=query.limit - page.n)
        try:
            page += await as_many_as_fit(reader, matching(project_id, part), part)
        except TooBig as error:
            raise too_large(query.limit) from error
        if page.last is not None:
            return _found(page), replace(searched, to=page.last.timestamp)
        if page.n >= query.limit or page.size >= MAX_PAGE_BYTES:
            break
    if plan.is_done(searched):
        return _found(page), searched
    return _found(replace(page, last=place_before(searched.to))), searched


def _found(page: Page) -> Found:
    return Found(page, page.n, page.last is not None)


def left_of(query: LogQuery) -> Range:
    """The range without what the pages before had."""
    start = EARLIEST_US if query.start is None else query.start
    end = LATEST_US if query.end is None else query.end
    if query.after is not None:
        end = max(min(end, query.after.timestamp), start)
    return Range(start, end)


def place_before(moment: int) -> Place:
    """The place that only rows from before this time come after: no row was received at the last time there is."""
    return Place(moment - 1, LATEST_US, 0, 0, 0, "")
