"""One group of errors: what it is, since when, and whom it concerns (reading.md, "One group")."""

from functools import partial

import msgspec

from gateway.query.asked import Asked, parse_asked
from gateway.query.errors.ever import Ever, Newest, find_ever, find_newest
from gateway.query.errors.fields import LANGUAGE
from gateway.query.errors.parts import Parts, find_parts
from gateway.query.errors.rows import NEWEST_FIRST, condition_of, errors_of
from gateway.query.groups import COLUMN, Groups
from gateway.query.language import EVERYTHING
from gateway.query.language.binding import stored
from gateway.query.parameters import Parameters
from gateway.query.question import Question
from gateway.query.reader import Reader
from gateway.query.refusals import GroupNotFound
from gateway.query.shape import Time
from gateway.query.source import Source
from gateway.query.stored import text_of
from gateway.query.together import together
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
    newest, last, (totals, parts), [state], history = await together(
        find_newest(reader, project_id, only, ever.last_us),
        _last(reader, source, query.asked, ever.last_us),
        find_parts(reader, source, query.asked.range),
        states_of(states, project_id, members[:1]),
        history_of(states, project_id, members[0]),
    )
    last = newest.event_id if last is None and newest else last
    found = Found(
        count=totals.count,
        users=totals.users,
        severity=totals.severity,
        first_seen=totals.first_seen,
        last_seen=totals.last_seen,
        newest_event_id=last if totals.count else None,
        trend=totals.trend,
    )
    return ErrorDetail(members[0], members, ever.shown, newest, found, parts, state, history)


async def _last(reader: Reader, source: Source, asked: Asked, last_us: int) -> str | None:
    """The newest that is found; None if that is the newest of all, which happened at `last_us`; '' for none."""
    if asked.q == EVERYTHING and not asked.state and asked.range.start <= last_us <= asked.range.end:
        return None
    rows = await source.rows(reader, "event_id", f"{NEWEST_FIRST} LIMIT 1")
    return text_of(rows[0][0]) if rows else ""


def group_question(groups: Groups, states: States) -> Question[GroupQuery]:
    return Question(
        f"/errors/{{{COLUMN}}}",
        "A group of errors",
        parse_group,
        partial(find_group, groups, states),
        ErrorDetail,
        unknown=GroupNotFound(),
    )
