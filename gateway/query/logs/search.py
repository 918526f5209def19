"""Finds a page of a project's logs, or the logs around an error."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from gateway.query.logs.columns import KEYS, render, select_list
from gateway.query.logs.conditions import Condition, matching, older_than
from gateway.query.logs.cursor import PLACE_COLUMNS, Place
from gateway.query.logs.filters import LogQuery
from gateway.query.reader import Reader, Rows, TooBig
from gateway.query.refusals import BadQuery, EventNotFound, issue
from shared.event_ids import spellings
from shared.signals.base import Table
from shared.signals.errors import SIGNAL as ERRORS
from shared.signals.logs import LOGS

AROUND_US = 5 * 60 * 1_000_000
"""The logs of an error are those of its trace, at most this long before and after it
(contracts.md, "Logs of an error")."""

MAX_AROUND = 10_000
"""Most logs that are returned for one error."""


@dataclass(frozen=True)
class Found:
    """The content of an answer. The next page begins after the place `next`."""

    logs: list[dict[str, Any]]
    total: int
    has_more: bool
    next: Place | None = None

    @property
    def body(self) -> dict[str, Any]:
        return {"logs": self.logs, "total": self.total, "has_more": self.has_more}


async def find_logs(reader: Reader, project_id: str, query: LogQuery) -> Found:
    """A page of a project's logs, newest first. Raises `BadQuery` if the page is too large, and `Unavailable`."""
    conditions = matching(project_id, query)
    names = (*KEYS, *query.include)
    try:
        rows = await _page(reader, names, conditions, query)
    except TooBig as error:
        message = "Value error, these logs are over 64 MB: ask for fewer at a time"
        raise BadQuery([issue("value_error", "limit", message, str(query.limit))]) from error
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    seen = query.offset + len(rows)
    total = seen
    if more or query.after or (query.offset and not rows):
        # Rows may have arrived since the page was read; total and page must not contradict each other.
        total = max(await _count(reader, conditions), seen + more if rows else 0)
    last = Place(*rows[-1][len(names) :]) if more else None
    return Found(render(names, rows), total, more, last)


async def find_logs_around(reader: Reader, project_id: str, event_id: str, include: tuple[str, ...]) -> Found:
    """The logs of an error's trace around it, oldest first. Raises `EventNotFound`, `Unavailable`."""
    trace_id, moment = await _event(reader, project_id, event_id)
    if not trace_id:
        return Found([], 0, False)
    query = LogQuery(equal=(("trace_id", trace_id),), start=moment - AROUND_US, end=moment + AROUND_US, include=include)
    conditions = matching(project_id, query)
    names = (*KEYS, *include)
    rows, limit = await _as_many_as_fit(reader, names, conditions, query)
    more = len(rows) > limit
    rows = rows[:limit]
    total = max(await _count(reader, conditions), len(rows) + 1) if more else len(rows)
    return Found(render(names, rows), total, more)


async def _as_many_as_fit(
    reader: Reader, names: Iterable[str], conditions: list[Condition], query: LogQuery
) -> tuple[Rows, int]:
    """The rows, oldest first, and the limit that was used. A hundred records of full size always fit."""
    for limit in (MAX_AROUND, MAX_AROUND // 10):
        try:
            return await _page(reader, names, conditions, replace(query, limit=limit), descending=False), limit
        except TooBig:
            continue
    few = MAX_AROUND // 100
    return await _page(reader, names, conditions, replace(query, limit=few), descending=False), few


async def _page(
    reader: Reader, names: Iterable[str], conditions: list[Condition], query: LogQuery, descending: bool = True
) -> Rows:
    """One row more than the limit, if there is one. The columns of the row's place follow the named ones."""
    if query.after is not None:
        conditions = conditions + older_than(query.after)
    where, values = _where(conditions)
    order = ", ".join(f"{name} DESC" if descending else name for name in PLACE_COLUMNS)
    return await reader.query(
        f"SELECT {select_list((*names, *PLACE_COLUMNS))} FROM {_table(reader, LOGS)}"  # noqa: S608 - names of ours
        f" WHERE {where} ORDER BY {order} LIMIT %(rows)s OFFSET %(skip)s",
        values | {"rows": query.limit + 1, "skip": query.offset},
    )


async def _count(reader: Reader, conditions: list[Condition]) -> int:
    where, values = _where(conditions)
    rows = await reader.query(f"SELECT count() FROM {_table(reader, LOGS)} WHERE {where}", values)  # noqa: S608 - as above
    return int(rows[0][0])


async def _event(reader: Reader, project_id: str, event_id: str) -> tuple[str, int]:
    """(trace_id, timestamp in microseconds) of an error; of several with the same id, the one received last."""
    rows = await reader.query(
        f"SELECT trace_id, toUnixTimestamp64Micro(timestamp) FROM {_table(reader, ERRORS.table)}"  # noqa: S608 - as above
        " WHERE project_id = %(project_id)s AND event_id IN %(event_ids)s ORDER BY received_at DESC LIMIT 1",
        {"project_id": project_id, "event_ids": tuple(spellings(event_id))},
    )
    if not rows:
        raise EventNotFound
    return rows[0][0], rows[0][1]


def _table(reader: Reader, table: Table) -> str:
    return f"`{reader.database}`.`{table.name}`"


def _where(conditions: list[Condition]) -> tuple[str, dict[str, Any]]:
    values: dict[str, Any] = {}
    for condition in conditions:
        values |= condition.values
    return " AND ".join(condition.sql for condition in conditions), values
