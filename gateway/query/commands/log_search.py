"""A search for logs in a terminal: as many requests as it takes, each of which tells how far it went."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from gateway.query.as_of import AsOf
from gateway.query.commands.log_rows import Log, logs_of, parse_columns
from gateway.query.commands.options import parameters
from gateway.query.logs.columns import INCLUDABLE
from gateway.query.logs.filters import MAX_LIMIT, LogQuery, parse_log_query
from gateway.query.logs.stepwise import search_in_steps
from gateway.query.parameters import Parameters
from gateway.query.range import Range
from gateway.query.reader import Reader
from gateway.query.steps import MAX_ROWS

BUDGET = 2 * MAX_ROWS
"""Rows that one request searches through: some 200 ms."""


@dataclass(frozen=True)
class LogSearch:
    """What is searched for, at most `limit` logs, and the columns that are shown of each."""

    range: Range
    query: LogQuery
    columns: list[str]
    limit: int

    def within(self, state: AsOf | None) -> "LogSearch":
        """The same in a state, if there is one."""
        return replace(self, query=replace(self.query, as_of=state))


@dataclass(frozen=True)
class Part:
    """What one request found, the newest first; `more`: there may be more; `is_last`: they are not searched for. Down
    to `to`, microseconds, all was searched by now: about `rows` rows of the `of` that the range holds."""

    logs: list[Log]
    more: bool
    is_last: bool
    to: int
    rows: int
    of: int


def log_search(range: Range, text: str, columns: str, limit: int) -> LogSearch:
    """Raises `BadQuery`."""
    given = Parameters([("columns", columns)])
    names = parse_columns(given)
    given.finish()
    include = ",".join(name for name in names if name in INCLUDABLE)
    query = parse_log_query(parameters(range, q=text, include=include))
    return LogSearch(range, query, names, limit)


async def parts_of(reader: Reader, project_id: str, search: LogSearch) -> AsyncIterator[Part]:
    """Its parts, the newest first. Raises `BadQuery`, `Unavailable`."""
    query, left, of, rows = search.query, search.limit, 0, 0
    while True:
        query = replace(query, limit=min(left, MAX_LIMIT))
        found, searched = await search_in_steps(reader, project_id, query, BUDGET)
        of = max(of, searched.of)  # of the first request: those after it know of what is left only
        rows = max(rows, of - searched.of + searched.rows)
        left -= found.page.n
        is_last = found.next is None or left <= 0
        yield Part(logs_of(found.page), found.has_more, is_last, searched.to, rows, of)
        if is_last:
            return
        query = replace(query, after=found.next)
