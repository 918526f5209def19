"""One group of errors: what it is, since when, and whom it concerns (reading.md, "One group")."""

from functools import partial

import msgspec

from gateway.query.asked import Asked, parse_asked
from gateway.query.errors.ever import Ever, Newest, find_ever, find_newest
from gateway.query.errors.fields import LANGUAGE
from gateway.query.errors.parts import Parts, find_parts
from gateway.query.errors.rows import SEVERITY, USERS, condition_of, errors_of
from gateway.query.groups import COLUMN, Groups
from gateway.query.language.binding import stored
from gateway.query.parameters import Parameters
from gateway.query.place import PLACE_COLUMNS
from gateway.query.question import Question
from gateway.query.range import Range
from gateway.query.reader import Reader
from gateway.query.refusals import GroupNotFound
from gateway.query.shape import Shape, Time
from gateway.query.source import Source
from gateway.query.together import together
from gateway.query.trend import trend_sql
from gateway.query.triage.said import history_of, states_of
from shared.error_states import State, StateChange, States


class Found(msgspec.Struct, frozen=True):
    """What `q` finds in the range. `newest_event_id` and the times are null where it finds nothing. `trend`: errors in
    each 24th of the range."""

    count: int
    users: int
    severity: str | None
    first_seen: Time | None
    last_seen: Time | None
    newest_event_id: str | None
    trend: list[int]


class ErrorDetail(msgspec.Struct, frozen=True):
    """`members`: all fingerprints of the group, which goes by the first of them. `ever` and `newest` are of all errors
    that are kept, `found` and `parts` of those that `q` finds in the range. `state`, `history`: what
    people have said of the group, the newest change first."""

    fingerprint: str
    members: list[str]
    ever: Ever
    newest: Newest | None
    found: Found
    parts: Parts
    state: State
    history: list[StateChange]


class GroupQuery(msgspec.Struct, frozen=True):
    asked: Asked
    fingerprint: str


def parse_group(given: Parameters) -> GroupQuery:
    """Raises `BadQuery`."""
    query = GroupQuery(parse_asked(given, LANGUAGE), stored(given.in_path(COLUMN)))
    given.finish()
    return query


async def find_group(groups: Groups, states: States, reader: Reader, project_id: str, query: GroupQuery) -> ErrorDetail:
    """Raises `GroupNotFound`, `TooBig`, `Unavailable`."""
    grouping = await groups.of(project_id)
    only = condition_of(grouping.only(query.fingerprint))
    ever = await find_ever(reader, project_id, only)
    if ever is None:
        raise GroupNotFound
    source = errors_of(reader, project_id, grouping, query.asked).narrowed(only)
    members = grouping.members(query.fingerprint)
    newest, found, parts, [state], history = await together(
        find_newest(reader, project_id, only, ever.last_us),
        _find(reader, source, query.asked.range),
        find_parts(reader, source),
        states_of(states, project_id, members[:1]),
        history_of(states, project_id, members[0]),
    )
    return ErrorDetail(members[0], members, ever.shown, newest, found, parts, state, history)


async def _find(reader: Reader, source: Source, range: Range) -> Found:
    trend, values = trend_sql(range)
    shape = Shape(
        Found,
        {
            "count": "count()",
            "users": USERS,
            "severity": SEVERITY,
            "first_seen": "if(count() = 0, NULL, min(timestamp))",
            "last_seen": "if(count() = 0, NULL, max(timestamp))",
            "newest_event_id": f"argMax(event_id, ({', '.join(PLACE_COLUMNS)}))",
            "trend": trend,
        },
    )
    [found] = await source.read(reader, shape.rows, shape.select, more=values)
    return found


def group_question(groups: Groups, states: States) -> Question[GroupQuery]:
    return Question(
        f"/errors/{{{COLUMN}}}",
        "A group of errors",
        parse_group,
        partial(find_group, groups, states),
        ErrorDetail,
        unknown=GroupNotFound(),
    )
