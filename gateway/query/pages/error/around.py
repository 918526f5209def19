"""The logs of an error's trace, before it and after it (pages.md, "One error")."""

import asyncio
from dataclasses import replace
from typing import NamedTuple

from gateway.query.as_of import AsOf
from gateway.query.language import render, term
from gateway.query.logs.filters import LogQuery
from gateway.query.logs.search import AROUND_US, find_logs
from gateway.query.pages.picker import Picker
from gateway.query.pages.stored_log import PLACED, StoredLog, stored_logs
from gateway.query.pages.view import View
from gateway.query.reader import TooBig
from gateway.query.together import together
from gateway.rejections import Rejection

MOST = 25
"""Before the error, and after it: those next to it."""


class LogsAround(NamedTuple):
    """In the order of time. `total`: how many there are in these ten minutes. `href`: all of them."""

    before: list[StoredLog]
    after: list[StoredLog]
    total: int
    href: str


async def logs_around(view: View, trace_id: str, moment: int, as_of: AsOf | None) -> LogsAround | str:
    """A sentence where they can't be had: the error can be read without them. `moment`: of the error, microseconds."""
    common = LogQuery(equal=(("trace_id", trace_id),), limit=MOST, include=PLACED, as_of=as_of)
    reader, project_id = view.deps.reader, view.project.project_id
    try:
        before, after = await together(
            find_logs(reader, project_id, replace(common, start=moment - AROUND_US, end=moment)),
            find_logs(reader, project_id, replace(common, start=moment + 1, end=moment + AROUND_US), oldest_first=True),
        )
    except (Rejection, TooBig):
        return "The logs could not be had in time. Load the page again, or look for the trace on the page Logs."
    older, newer = await asyncio.to_thread(stored_logs, before), await asyncio.to_thread(stored_logs, after)
    ends = Picker.ends(moment - AROUND_US, moment + AROUND_US)
    href = view.url("logs", q=render(term("trace", trace_id)), last=None, **ends)
    return LogsAround(older[::-1], newer, before.total + after.total, href)
