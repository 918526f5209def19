"""The page Logs: how many there are over time, and the rows, the newest first (pages.md, "Logs")."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from gateway.query.asked import Asked, parse_asked
from gateway.query.complete import Complete
from gateway.query.language import EVERYTHING, Node
from gateway.query.language.edits import parts
from gateway.query.language.nodes import Text
from gateway.query.logs.columns import INCLUDABLE, KEYS, REF
from gateway.query.logs.fields import LANGUAGE
from gateway.query.logs.filters import LogQuery
from gateway.query.logs.plan import Searched
from gateway.query.logs.search import Found
from gateway.query.logs.stepwise import search_in_steps
from gateway.query.logs.volume import VolumeQuery, find_volume
from gateway.query.pages.chart import Chart, histogram
from gateway.query.pages.empty import Empty, empty
from gateway.query.pages.facet import Facet, facet_of
from gateway.query.pages.log_facets import log_facets
from gateway.query.pages.opened import Opened, opened
from gateway.query.pages.page import Page
from gateway.query.pages.stored_log import PLACED, StoredLog, find_log, stored_logs
from gateway.query.pages.view import View
from gateway.query.place import Place, decode_place, encode_place
from gateway.query.reader import TooBig
from gateway.query.refusals import LogNotFound
from gateway.query.times import parse_time
from gateway.rejections import Rejection, Unavailable
from shared.formats.levels import LEVELS

LIMIT = 100

BUDGET = 1_500_000
"""Rows that are searched through for one page: some three steps. A link searches on."""

VOLUME_WITHIN_S = 5.0
"""The histogram fails alone after that: the rows are there without it."""

VOLUME_BUDGET = 10_000_000
"""Rows that are counted one by one for the histogram, where no rollup can answer it."""

FROM_BELOW = tuple(reversed(LEVELS))
"""How levels are stacked."""

MAX_COLUMNS = 6
_FIXED = ("timestamp", "level", "service", "message")
COLUMNS = tuple(name for name in (*KEYS, *INCLUDABLE) if name not in (*_FIXED, "attributes", REF))
"""Columns that can be chosen."""


class Volumes(NamedTuple):
    """`since`: from when on the logs are counted, where the search is too large to count all; microseconds."""

    chart: Chart
    since: int | None


@dataclass(frozen=True)
class Asking:
    """What the parameters of the page ask for."""

    asked: Asked
    cursor: Place | None
    columns: tuple[str, ...]
    open: Place | None

    @property
    def query(self) -> LogQuery:
        include = dict.fromkeys((*PLACED, *(name for name in self.columns if name in INCLUDABLE)))
        return LogQuery(
            start=self.asked.range.start,
            end=self.asked.range.end,
            q=self.asked.q,
            as_of=self.asked.as_of,
            limit=LIMIT,
            after=self.cursor,
            include=tuple(include),
        )


def _parse(view: View) -> Asking:
    """Raises `BadQuery`."""
    given = view.given
    asking = Asking(
        asked=parse_asked(given, LANGUAGE, lambda: view.now),
        cursor=given.parsed("cursor", decode_place, "value_error", "a valid cursor"),
        columns=tuple(given.words("columns", COLUMNS))[:MAX_COLUMNS],
        open=given.parsed("open", decode_place, "value_error", "the place of a log"),
    )
    given.finish()
    return asking


async def _find(view: View) -> Mapping[str, Any]:
    asking = _parse(view)
    reader, project_id = view.deps.reader, view.project.project_id
    complete = (await view.deps.complete_of(asking.asked.tables)).within(asking.asked.as_of)
    (found, searched), volumes, facets, open = await asyncio.gather(
        search_in_steps(reader, project_id, asking.query, BUDGET),
        _chart(view, asking.asked, complete),
        log_facets(view, asking.asked),
        _open(view, asking),
    )
    rows = await asyncio.to_thread(stored_logs, found)
    return {
        "asked": asking.asked,
        "picker": view.picker(asking.asked.range),
        "badge": view.badge(complete),
        "volumes": volumes if isinstance(volumes, Volumes) else None,
        "volumes_problem": "" if isinstance(volumes, Volumes) else volumes,
        "facets": [_levels(view, asking.asked.q, volumes), *(facets or [])],
        "facets_problem": facets is None,
        "words": words_of(asking.asked.q),
        "columns": asking.columns,
        "rows": rows,
        "open": open,
        "watermark": _watermark(rows, complete, asking),
        "older": _older(view, asking, found),
        "cursor": asking.cursor,
        "searched": searched,
        "whole": _is_whole(asking, found, searched),
        "empty": await _empty(view, asking, complete) if not rows else None,
        "share": _share(view, asking, complete),
    }


async def _chart(view: View, asked: Asked, complete: Complete) -> Volumes | str:
    """The histogram, or a sentence that says why there is none."""
    query = VolumeQuery(asked, 96, "level", VOLUME_BUDGET)
    try:
        async with asyncio.timeout(VOLUME_WITHIN_S):
            volume = await find_volume(view.deps.reader, view.project.project_id, query)
    except (Rejection, TooBig, TimeoutError):
        return "The histogram could not be counted in time. The rows below don't need it; a shorter range does help."
    counts = [(parse_time(bucket.time), bucket.counts or {}) for bucket in volume.buckets]
    chart = histogram(asked.range, counts, FROM_BELOW, bucket_us=query.width, complete=complete.up_to)
    to = parse_time(volume.searched_to)
    return Volumes(chart, to if to > asked.range.start else None)


async def _open(view: View, asking: Asking) -> Opened | None:
    """The row that the address says is open. One that can't be had leaves the others as they are."""
    if asking.open is None:
        return None
    try:
        log = await find_log(view.deps.reader, view.project.project_id, asking.open)
    except (LogNotFound, Unavailable, TooBig):
        return None
    return opened(view, asking.asked.q, log)


def _levels(view: View, tree: Node, volumes: Volumes | str) -> Facet:
    """The levels, which are the legend of the histogram, too."""
    counts = volumes.chart.totals if isinstance(volumes, Volumes) else {}
    ordered = [(level, counts.get(level)) for level in FROM_BELOW if counts.get(level)]
    return facet_of(view, tree, "level", ordered, css="lv")


def words_of(tree: Node) -> list[str]:
    """The texts that a query looks for, to be marked where they stand."""
    return [part.text for part in parts(tree) if isinstance(part, Text)]


def _watermark(rows: list[StoredLog], complete: Complete, asking: Asking) -> str:
    """The row before which a line says that all below it is complete; '' for none."""
    up_to = complete.up_to
    if up_to is None or not rows or rows[0].time < up_to or asking.asked.as_of is not None:
        return ""
    return next((row.ref for row in rows if row.time < up_to), "")


def _older(view: View, asking: Asking, found: Found) -> str:
    """The address of the rows after these; '' where there are none."""
    if found.next is None:
        return ""
    # The range stays as it was on the first page, also where it was asked for as `last`.
    return view.at(*asking.asked.range, cursor=encode_place(found.next), columns=",".join(asking.columns))


def _is_whole(asking: Asking, found: Found, searched: Searched) -> bool:
    return found.next is None and searched.to <= asking.asked.range.start


def _share(view: View, asking: Asking, complete: Complete) -> str:
    """An address that shows the same rows next week."""
    start, end = asking.asked.range
    state = complete.headers["X-As-Of"]
    columns = ",".join(asking.columns)
    ends = view.picker(asking.asked.range).ends(start, end)
    return view.url(**ends, last=None, as_of=None if state == "null" else state, columns=columns)


async def _empty(view: View, asking: Asking, complete: Complete) -> Empty:
    everything = replace(asking.asked, q=EVERYTHING)
    return await empty(view, "logs", everything.range, complete, filtered=asking.asked.q != EVERYTHING)


LOGS = Page("logs", "logs.html", _find, title="Logs", key="l")
