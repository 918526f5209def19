"""Finds a page of a project's logs, or the logs around an error."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from gateway.query.language import Condition, Cost
from gateway.query.logs.columns import KEYS
from gateway.query.logs.conditions import matching
from gateway.query.logs.filters import Around, LogQuery
from gateway.query.logs.page import Page, page_of, select
from gateway.query.paging import beyond
from gateway.query.place import MOST_EQUAL, PLACE_COLUMNS, STORED_ORDER, Place
from gateway.query.reader import LOOKS_INTO_TEXT, Cramped, Reader, Rows, TooBig
from gateway.query.refusals import BadQuery, EventNotFound, issue
from shared.event_ids import spellings
from shared.signals.base import Table
from shared.signals.errors import SIGNAL as ERRORS
from shared.signals.logs import LOGS

T = TypeVar("T")

Make = Callable[[Sequence[str], Rows, int], T]
"""Makes something of rows of `select`: their columns, the rows, and how many of them are wanted."""

AROUND_US = 5 * 60 * 1_000_000
"""The logs of an error are those of its trace, at most this long before and after it
(contracts.md, "Logs of an error")."""

MAX_AROUND = 10_000
"""Most logs that are returned for one error."""


@dataclass(frozen=True)
class Found:
    """The content of an answer. The next page begins after the place `next`."""

    page: Page
    total: int
    has_more: bool

    @property
    def next(self) -> Place | None:
        return self.page.last

    @property
    def body(self) -> list[bytes]:
        """The answer's JSON, in pieces."""
        tail = b'],"total":%d,"has_more":%b}' % (self.total, b"true" if self.has_more else b"false")
        return [b'{"logs":[', *self.page.pieces, tail]


async def find_logs(reader: Reader, project_id: str, query: LogQuery, *, oldest_first: bool = False) -> Found:
    """A page of a project's logs, the newest first as a rule. Raises `BadQuery` if the page is too large, and
    `Unavailable`."""
    conditions = matching(project_id, query)
    try:
        page = await as_many_as_fit(reader, conditions, query, descending=not oldest_first)
    except TooBig as error:
        raise too_large(query.limit) from error
    more = page.last is not None
    seen = query.offset + page.n
    total = seen
    if more or query.after or (query.offset and not page.n):
        # Rows may have arrived since the page was read; total and page must not contradict each other.
        total = max(await _count(reader, conditions), seen + more if page.n else 0)
    return Found(page, total, more)


def too_large(limit: int) -> BadQuery:
    message = "Value error, these logs are too large: ask for fewer at a time"
    return BadQuery([issue("value_error", "limit", message, str(limit))])


async def find_logs_around(reader: Reader, project_id: str, event_id: str, around: Around) -> Found:
    """The logs of an error's trace around it, oldest first. Raises `EventNotFound`, `Unavailable`."""
    trace_id, moment = await _event(reader, project_id, event_id)
    if not trace_id:
        return Found(Page([]), 0, False)
    query = LogQuery(
        equal=(("trace_id", trace_id),),
        start=moment - AROUND_US,
        end=moment + AROUND_US,
        limit=MAX_AROUND,
        after=around.after,
        include=around.include,
        as_of=around.as_of,
    )
    conditions = matching(project_id, query)
    page = await as_many_as_fit(reader, conditions, query, descending=False)
    more = page.last is not None
    total = max(await _count(reader, conditions), page.n + more) if more or around.after else page.n
    return Found(page, total, more)


async def as_many_as_fit(
    reader: Reader, conditions: list[Condition], query: LogQuery, *, descending: bool = True
) -> Page:
    """The page that a query asks for, or a smaller one, as `fitting` makes it."""
    return await fitting(reader, conditions, query, (*KEYS, *query.include), page_of, descending=descending)


async def fitting(
    reader: Reader,
    conditions: list[Condition],
    query: LogQuery,
    names: Sequence[str],
    make: Make[T],
    *,
    descending: bool = True,
) -> T:
    """What `make` makes of the rows that a query asks for, or of fewer where the server has no room for them: large
    rows are sorted before it is known that they don't fit. `names`: their columns. Raises `TooBig`, `Unavailable`."""
    if query.after is not None:
        conditions = conditions + beyond(query.after, descending=descending)
    where, values = _where(conditions)
    columns = PLACE_COLUMNS if query.offset else STORED_ORDER
    order = ", ".join(f"{name} DESC" if descending else name for name in columns)
    source = f"FROM {table_of(reader, LOGS)} WHERE {where} ORDER BY {order} LIMIT %(rows)s OFFSET %(skip)s"

    async def read(limit: int, *, is_first: bool = False) -> T:
        """One row more than its limit is looked for, to tell whether more follow."""
        return await select(names, source, descending=descending).read(
            reader,
            lambda rows: make(names, rows, limit),
            values | {"rows": limit + 1 + MOST_EQUAL, "skip": query.offset},
            project_id=values["project_id"],
            settings=_settings(conditions),
            likely_small=is_first,
        )

    for part in (1, 10):
        try:
            return await read(-(-query.limit // part), is_first=part == 1)
        except (TooBig, Cramped):
            continue
    return await read(-(-query.limit // 100))


async def _count(reader: Reader, conditions: list[Condition]) -> int:
    where, values = _where(conditions)
    rows = await reader.query(
        f"SELECT count() FROM {table_of(reader, LOGS)} WHERE {where}",  # noqa: S608 - names of ours
        values,
        project_id=values["project_id"],
        settings=_settings(conditions),
    )
    return int(rows[0][0])


async def _event(reader: Reader, project_id: str, event_id: str) -> tuple[str, int]:
    """(trace_id, timestamp in microseconds) of an error; of several with the same id, the one received last."""
    rows = await reader.query(
        f"SELECT trace_id, toUnixTimestamp64Micro(timestamp) FROM {table_of(reader, ERRORS.table)}"  # noqa: S608 - as above
        " WHERE project_id = %(project_id)s AND event_id IN %(event_ids)s ORDER BY received_at DESC LIMIT 1",
        {"project_id": project_id, "event_ids": tuple(spellings(event_id))},
        project_id=project_id,
    )
    if not rows:
        raise EventNotFound
    return rows[0][0], rows[0][1]


def cost_of(conditions: list[Condition]) -> Cost:
    return max(condition.cost for condition in conditions)


def _settings(conditions: list[Condition]) -> Mapping[str, Any] | None:
    return LOOKS_INTO_TEXT if cost_of(conditions) >= Cost.TEXT else None


def table_of(reader: Reader, table: Table) -> str:
    return f"`{reader.database}`.`{table.name}`"


def _where(conditions: list[Condition]) -> tuple[str, dict[str, Any]]:
    values: dict[str, Any] = {}
    for condition in conditions:
        values |= condition.values
    return " AND ".join(condition.sql for condition in conditions), values
