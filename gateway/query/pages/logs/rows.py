"""The page Logs: how many there are over time, and the rows, the newest first (pages.md, "Logs")."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.query.as_of import encode_as_of
from gateway.query.asked import Asked, parse_asked
from gateway.query.complete import Complete
from gateway.query.language import EVERYTHING
from gateway.query.logs.context import By
from gateway.query.logs.fields import LANGUAGE
from gateway.query.logs.filters import LogQuery
from gateway.query.logs.search import Found
from gateway.query.logs.stepwise import search_in_steps
from gateway.query.pages.empty import Empty, empty
from gateway.query.pages.logs.around import find_around, parse_around
from gateway.query.pages.logs.choices import KEEPS, Choices, parse_choices
from gateway.query.pages.logs.frame import complete_of, find_frame
from gateway.query.pages.logs.offered import offered_columns
from gateway.query.pages.logs.progress import Progress, progress_of
from gateway.query.pages.opened import Opened, opened
from gateway.query.pages.page import Page
from gateway.query.pages.stored_log import PLACED, StoredLog, find_log, stored_logs
from gateway.query.pages.view import RANGE, View
from gateway.query.place import Place, decode_place, encode_place
from gateway.query.reader import TooBig
from gateway.query.refusals import LogNotFound
from gateway.query.together import together
from gateway.rejections import Unavailable

LIMIT = 100

BUDGET = 1_500_000
"""Rows that are searched through for one page: some three steps. A link searches on."""

_MOST_OF = 10**15


@dataclass(frozen=True)
class Asking:
    """What the parameters of the page ask for. `of`: the rows of the range, as the first page has found them; `around`:
    the neighbours of the open row that are shown."""

    asked: Asked
    choices: Choices
    cursor: Place | None
    of: int | None
    open: Place | None
    around: By | None
    tail: bool

    @property
    def query(self) -> LogQuery:
        return LogQuery(
            start=self.asked.range.start,
            end=self.asked.range.end,
            q=self.asked.q,
            as_of=self.asked.as_of,
            limit=LIMIT,
            after=self.cursor,
            include=tuple(dict.fromkeys((*PLACED, *self.choices.included))),
        )


def _parse(view: View) -> Asking:
    """Raises `BadQuery`."""
    given = view.given
    asking = Asking(
        asked=parse_asked(given, LANGUAGE, lambda: view.now),
        choices=parse_choices(given),
        cursor=given.parsed("cursor", decode_place, "value_error", "a valid cursor"),
        of=given.integer("of", None, least=0, most=_MOST_OF),
        open=given.parsed("open", decode_place, "value_error", "the place of a log"),
        around=parse_around(given),
        tail=given.choice("tail", ("0", "1"), "0") == "1",
    )
    given.finish()
    return asking


async def _find(view: View) -> Mapping[str, Any]:
    asking = _parse(view)
    asked, choices = asking.asked, asking.choices
    complete = await complete_of(view, asked)
    (found, searched), frame, open = await together(
        search_in_steps(view.deps.reader, view.project.project_id, asking.query, BUDGET),
        find_frame(view, asked, choices, complete),
        _open(view, asking),
    )
    rows = await asyncio.to_thread(stored_logs, found)
    progress = progress_of(searched, found.next, asking.of)
    is_all = not rows and asking.cursor is None and found.next is None
    return {
        **frame,
        "rows": rows,
        "open": open,
        "offered": await asyncio.to_thread(offered_columns, rows, choices.columns),
        "arriving": _is_arriving(rows, complete, asking),
        "watermark": next((row.ref for row in rows if complete.up_to is not None and row.time < complete.up_to), ""),
        "older": _older(view, asking, found, progress),
        "cursor": asking.cursor,
        "progress": progress,
        "empty": await _empty(view, asked, complete) if is_all and not asking.tail else None,
        "tail": _tail(view, asked, complete) if asking.tail else "",
        "tail_href": _tail_href(view, on=not asking.tail),
    }


async def _open(view: View, asking: Asking) -> Opened | None:
    """The row that the address says is open. One that can't be had leaves the others as they are."""
    if asking.open is None:
        return None
    try:
        log = await find_log(view.deps.reader, view.project.project_id, asking.open)
    except (LogNotFound, Unavailable, TooBig):
        return None
    around = await find_around(view, asking.open, asking.around, asking.asked.as_of) if asking.around else None
    return await asyncio.to_thread(opened, view, asking.asked.q, log, around)


def _is_arriving(rows: list[StoredLog], complete: Complete, asking: Asking) -> bool:
    """Whether more may come between the first of these rows and the one from which on all is complete."""
    if complete.up_to is None or not rows or asking.asked.as_of is not None:
        return False
    return rows[0].time >= complete.up_to


def _older(view: View, asking: Asking, found: Found, progress: Progress) -> str:
    """The address of the rows after these; '' where there are none."""
    if found.next is None:
        return ""
    return view.onward(asking.asked.range, cursor=encode_place(found.next), of=str(progress.of))


async def _empty(view: View, asked: Asked, complete: Complete) -> Empty:
    return await empty(view, "logs", asked.range, complete, filtered=asked.q != EVERYTHING)


def _tail(view: View, asked: Asked, complete: Complete) -> str:
    """Where a script finds the logs that come after those of the page."""
    since = None if complete.as_of is None else encode_as_of(complete.as_of)
    none = dict.fromkeys((*RANGE, "as_of", "fields"))
    return view.url("logs/tail", **none, last_event_id=since)


def _tail_href(view: View, *, on: bool) -> str:
    """Whoever follows looks at now."""
    if not on:
        return view.url()
    last = view.request.query_params.get("last")
    return view.url(last=last, start_time=None, end_time=None, as_of=None, tail="1")


LOGS = Page("logs", "logs.html", _find, title="Logs", key="l", keeps=KEEPS, for_agents=True, saves=True)
