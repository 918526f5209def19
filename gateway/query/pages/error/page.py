"""What the page of one group of errors shows (pages.md, "One error")."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.query.asked import Asked, parse_asked
from gateway.query.errors.detail import ErrorDetail, GroupQuery, find_group
from gateway.query.errors.events import SORTS, ErrorEvents, EventsQuery, find_events
from gateway.query.errors.fields import LANGUAGE
from gateway.query.errors.groups import SORTS as LIST_SORTS
from gateway.query.groups import COLUMN
from gateway.query.language.binding import stored
from gateway.query.logs.search import AROUND_US
from gateway.query.pages.chart import Chart, histogram
from gateway.query.pages.error.around import logs_around
from gateway.query.pages.error.breakdowns import breakdowns
from gateway.query.pages.error.event import ShownEvent, shown_event
from gateway.query.pages.error.history import history_lines, state_text
from gateway.query.pages.error.small_trace import trace_around
from gateway.query.pages.error.walk import LIST, walk_from
from gateway.query.pages.error.why import why_of
from gateway.query.pages.errors import KEEPS
from gateway.query.pages.page import Page
from gateway.query.pages.picker import Picker
from gateway.query.pages.tags import Tag, tags
from gateway.query.pages.times import ago
from gateway.query.pages.view import View
from gateway.query.paging import Paging, parse_paging
from gateway.query.refusals import EventNotFound
from gateway.query.times import parse_time
from gateway.query.together import together
from gateway.query.trend import PARTS
from shared.error_states import STATUSES


@dataclass(frozen=True)
class Asking:
    """`event`: which one is shown; '' for the newest that is found."""

    asked: Asked
    fingerprint: str
    event: str
    paging: Paging


def _parse(view: View) -> Asking:
    """Raises `BadQuery`."""
    given = view.given
    asking = Asking(
        asked=parse_asked(given, LANGUAGE, lambda: view.now),
        fingerprint=stored(given.in_path(COLUMN)),
        event=given.text("event") or "",
        paging=parse_paging(given, SORTS, LIST),
    )
    # Of the list that one came from: they are kept for the way back.
    given.words("status", STATUSES)
    given.choice("sort", LIST_SORTS, "last")
    given.finish()
    return asking


async def _find(view: View) -> Mapping[str, Any]:
    asking = _parse(view)
    asked, deps, project_id = asking.asked, view.deps, view.project.project_id
    complete = (await deps.complete_of(asked.tables)).within(asked.as_of)
    group, events = await together(
        find_group(deps.groups, deps.states, deps.reader, project_id, GroupQuery(asked, asking.fingerprint)),
        find_events(deps.groups, deps.reader, project_id, EventsQuery(asked, asking.fingerprint, asking.paging)),
    )
    event = await _event(view, asking, group, events)
    return {
        "asked": asked,
        "picker": view.picker(asked.range),
        "badge": view.badge(complete),
        "group": group,
        "tags": _tags(group, asked),
        "state": state_text(group.state),
        "first": (parse_time(group.ever.first_seen), ago(parse_time(group.ever.first_seen), view.now)),
        "chart": _chart(group, asked, complete.up_to),
        "breakdowns_of": breakdowns(view, asked.q, group),
        "why_of": why_of(group.newest) if group.newest else None,
        "history_of": history_lines(group.history),
        "group_events": events,
        "older": view.onward(asked.range, cursor=events.next, event=asking.event) if events.next else "",
        "newer": view.onward(asked.range, cursor=events.previous, event=asking.event) if events.previous else "",
        **await _of_event(view, asking, group, events, event),
    }


async def _event(view: View, asking: Asking, group: ErrorDetail, events: ErrorEvents) -> ShownEvent | None:
    """The event that is asked for, else the newest that is found, else the newest of all. None where that has gone."""
    newest = group.found.newest_event_id or (group.newest.event_id if group.newest else "")
    event_id = asking.event or newest
    if not event_id:
        return None
    event = await shown_event(view.deps, view.project.project_id, event_id)
    if event.fingerprint not in group.members:
        raise EventNotFound
    return event


async def _of_event(
    view: View, asking: Asking, group: ErrorDetail, events: ErrorEvents, event: ShownEvent | None
) -> Mapping[str, Any]:
    if event is None:
        return {"event": None, "walk": None, "logs": None, "trace": None, "around_href": ""}
    is_first, event_id = asking.paging.cursor is None, str(event.columns["event_id"])
    trace_id, as_of = event.columns["trace_id"], asking.asked.as_of
    walk, logs, trace = await together(
        walk_from(view, asking.asked, asking.fingerprint, event_id, event.place, events, is_first=is_first),
        logs_around(view, trace_id, event.time, as_of) if trace_id else _nothing(),
        trace_around(view, trace_id, event.time, as_of) if trace_id else _nothing(),
    )
    ends = Picker.ends(event.time - AROUND_US, event.time + AROUND_US)
    around_href = view.url("logs", q=None, last=None, as_of=None, **ends)
    return {"event": event, "walk": walk, "logs": logs, "trace": trace, "around_href": around_href}


async def _nothing() -> None:
    return None


def _tags(group: ErrorDetail, asked: Asked) -> list[Tag]:
    reopened = group.state.reopened
    state = group.state.status, reopened.reason if reopened else None
    return tags(state, group.found.trend, parse_time(group.ever.first_seen), asked.range)


def _chart(group: ErrorDetail, asked: Asked, complete: int | None) -> Chart | None:
    range, trend = asked.range, group.found.trend
    if not group.found.count:
        return None
    part = -(-(range.end - range.start + 1) // PARTS)
    counts = [(range.start + n * part, {"bar": each} if each else {}) for n, each in enumerate(trend)]
    return histogram(range, counts, ["bar"], bucket_us=part, complete=complete, height=40)


ERROR = Page(f"errors/{{{COLUMN}}}", "error.html", _find, keeps=KEEPS, own=True, for_agents=True)
