"""The first of what an alert is about, as far as it is found at once."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import msgspec

from gateway.query.alerts.asking import Case
from gateway.query.asked import Asked
from gateway.query.errors.events import SORTS as EVENT_SORTS
from gateway.query.errors.events import EventsQuery, find_events
from gateway.query.errors.groups import GroupsQuery, find_groups
from gateway.query.events.chain import ReadFrame
from gateway.query.events.search import find_event
from gateway.query.llm.calls import SORTS as CALL_SORTS
from gateway.query.llm.calls import CallsQuery, find_calls
from gateway.query.logs.filters import LogQuery
from gateway.query.logs.search import find_logs
from gateway.query.paging import Paging, Sort
from gateway.query.reader import TooBig
from gateway.query.traces.roots import TracesQuery, find_traces
from gateway.rejections import Rejection
from shared.alerts.alert import First
from shared.alerts.rule import Signal

MOST_TEXT = 500
"""Characters of a stored text."""


async def first_of(case: Case, signal: Signal, asked: Asked) -> First | None:
    """The first log; of errors and calls the newest. None where none is found at once."""
    try:
        return await _FINDERS[signal](case, asked)
    except (Rejection, TooBig):
        return None


async def first_of_group(case: Case, asked: Asked, group: str) -> First | None:
    """The newest error of a group, with its first own frame."""
    query = EventsQuery(replace(asked, q=case.tree("errors")), group, Paging(EVENT_SORTS[0], limit=1))
    try:
        found = (await find_events(case.deps.groups, case.deps.reader, case.project_id, query)).events
        if not found:
            return None
        chain = (await find_event(case.deps.reader, case.project_id, found[0].event_id)).chain
    except (Rejection, TooBig):
        return None
    frames = [frame for error in chain.errors for frame in error.frames]
    return First(found[0].timestamp, cut(f"{found[0].type}: {found[0].message}"), _frame(frames))


def cut(text: str) -> str:
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"


def _frame(frames: list[ReadFrame]) -> str | None:
    """The first own one, else the first of all."""
    own = [each for each in frames if each.frame is not None and each.frame.own] or frames
    if not own:
        return None
    place, frame = own[0].place, own[0].frame
    where = ":".join(str(part) for part in (place.file, place.line, place.column) if part)
    return cut(f"{(frame.function if frame else '') or 'anonymous'} ({where})")


async def _log(case: Case, asked: Asked) -> First | None:
    arrived = asked.arrived or asked.range  # whatever is older came late
    query = LogQuery(q=asked.q, start=arrived.start, end=arrived.end, limit=1)
    found = await find_logs(case.deps.reader, case.project_id, query, oldest_first=True)
    for log in msgspec.json.decode(b"[" + b"".join(found.page.pieces) + b"]", type=list[_Log]):
        return First(log.timestamp, cut(f"{log.level}: {log.message}"))
    return None


async def _error(case: Case, asked: Asked) -> First | None:
    deps, query = case.deps, GroupsQuery(asked, "last", 1, None)
    for group in (await find_groups(deps.groups, deps.states, deps.reader, case.project_id, query)).groups:
        return await first_of_group(case, asked, group.fingerprint)
    return None


async def _trace(case: Case, asked: Asked) -> First | None:
    query = TracesQuery(asked, Paging(Sort("time"), limit=1))
    for root in (await find_traces(case.deps.reader, case.project_id, query)).traces:
        return First(root.timestamp, cut(f"{root.operation}: {root.status}, {root.duration_ms:,} ms"))
    return None


async def _call(case: Case, asked: Asked) -> First | None:
    query = CallsQuery(asked, Paging(CALL_SORTS[0], limit=1))
    for call in (await find_calls(case.deps.reader, case.project_id, query)).calls:
        return First(call.timestamp, cut(f"{call.model} {call.operation}: {call.latency_ms:,} ms"))
    return None


class _Log(msgspec.Struct):
    timestamp: str
    level: str
    message: str


_FINDERS: Mapping[Signal, Callable[[Case, Asked], Awaitable[First | None]]] = {
    "logs": _log,
    "errors": _error,
    "traces": _trace,
    "llm": _call,
}
