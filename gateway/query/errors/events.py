"""The errors of one group, the newest first (reading.md, "Events of a group")."""

from functools import partial

import msgspec

from gateway.query.asked import Asked, parse_asked
from gateway.query.errors.ever import find_ever
from gateway.query.errors.fields import LANGUAGE
from gateway.query.errors.rows import condition_of, errors_of
from gateway.query.groups import COLUMN, Groups
from gateway.query.language.binding import stored
from gateway.query.listing import Listing
from gateway.query.paging import Paging, Sort, find_page, parse_paging
from gateway.query.parameters import Parameters
from gateway.query.question import Question
from gateway.query.reader import Reader
from gateway.query.refusals import GroupNotFound
from gateway.query.shape import Shape, Time


class ErrorEvents(Listing, frozen=True, kw_only=True):
    """`next` are older ones, `previous` newer ones."""

    events: list["ErrorEvent"]


class ErrorEvent(msgspec.Struct, frozen=True):
    """`fingerprint`: the error's own, which may have been merged into the group's."""

    event_id: str
    fingerprint: str
    timestamp: Time
    received_at: Time
    type: str
    message: str
    level: str | None
    severity: str | None
    handled: bool
    service: str | None
    environment: str | None
    release: str | None
    trace_id: str | None
    user_id: str | None
    user_email: str | None
    url: str | None


class EventsQuery(msgspec.Struct, frozen=True):
    asked: Asked
    fingerprint: str
    paging: Paging


_SHAPE = Shape(ErrorEvent, {"message": "error_message"}, large=("message", "url"))
SORTS = (Sort("time"),)


def parse_events(given: Parameters) -> EventsQuery:
    """Raises `BadQuery`."""
    query = EventsQuery(parse_asked(given, LANGUAGE), stored(given.in_path(COLUMN)), parse_paging(given, SORTS))
    given.finish()
    return query


async def find_events(groups: Groups, reader: Reader, project_id: str, query: EventsQuery) -> ErrorEvents:
    """Raises `GroupNotFound`, `TooBig`, `Unavailable`."""
    grouping = await groups.of(project_id)
    only = condition_of(grouping.only(query.fingerprint))
    source = errors_of(reader, project_id, grouping, query.asked).narrowed(only)
    page = await find_page(reader, source, _SHAPE, query.paging)
    if not page.rows and await find_ever(reader, project_id, only) is None:
        raise GroupNotFound
    return ErrorEvents(events=page.rows, next=page.next, previous=page.previous)


def events_question(groups: Groups) -> Question[EventsQuery]:
    return Question(
        f"/errors/{{{COLUMN}}}/events",
        "The errors of a group",
        parse_events,
        partial(find_events, groups),
        ErrorEvents,
        unknown=GroupNotFound(),
    )
