"""The groups of errors in a range. Every number counts only what `q` finds (reading.md, "Errors").

They are counted row by row: the rollup by hour is sorted by group, so that reading it takes a project's whole history.
"""

from functools import partial
from typing import Any, NamedTuple

import msgspec

from gateway.query.asked import Asked, parse_asked
from gateway.query.errors.fields import LANGUAGE
from gateway.query.errors.group import ErrorGroup, describe
from gateway.query.errors.rows import USERS, errors_of
from gateway.query.groups import Grouping, Groups
from gateway.query.listing import Listing
from gateway.query.parameters import Parameters
from gateway.query.place import NOT_OURS, decode_as, encode_place
from gateway.query.question import Question
from gateway.query.reader import Reader
from gateway.query.source import Source
from gateway.query.triage.said import states_of, with_status
from shared.error_states import STATUSES, States

MAX_GROUPS = 200
"""Of one answer."""

_MIDDLE = "fromUnixTimestamp64Micro(%(middle)s)"
SORTS = {
    "last": "toUnixTimestamp64Micro(max(timestamp))",
    "first": "toUnixTimestamp64Micro(min(timestamp))",
    "count": "toInt64(count())",
    "users": f"toInt64({USERS})",
    "trend": f"sum(if(timestamp >= {_MIDDLE}, 1, -1))",
}
"""What comes first has most of it. `trend`: how many more there were in the newer half of the range."""


class ErrorGroups(Listing, frozen=True, kw_only=True):
    groups: list[ErrorGroup]


class GroupCursor(NamedTuple):
    """The groups that come after one."""

    sort: str
    value: int
    head: str


class GroupsQuery(msgspec.Struct, frozen=True):
    asked: Asked
    sort: str
    limit: int
    cursor: GroupCursor | None
    statuses: tuple[str, ...] = ()


class _Ranked(NamedTuple):
    head: str
    value: int


def parse_groups(given: Parameters) -> GroupsQuery:
    """Raises `BadQuery`."""
    sort = given.choice("sort", SORTS, "last")
    query = GroupsQuery(
        asked=parse_asked(given, LANGUAGE),
        sort=sort,
        limit=given.integer("limit", 50, least=1, most=MAX_GROUPS),
        cursor=given.parsed("cursor", lambda text: _cursor(text, sort), "value_error", "a valid cursor"),
        statuses=tuple(given.words("status", STATUSES)),
    )
    given.finish()
    return query


async def find_groups(
    groups: Groups, states: States, reader: Reader, project_id: str, query: GroupsQuery
) -> ErrorGroups:
    """Raises `TooBig`, `Unavailable`."""
    grouping = await groups.of(project_id)
    source = errors_of(reader, project_id, grouping, query.asked)
    source = source.narrowed(*await with_status(states, project_id, grouping, query.statuses))
    ranked = await _rank(reader, source, grouping, query)
    shown = ranked[: query.limit]
    if not shown:
        return ErrorGroups(groups=[])
    last = shown[-1]
    more, heads = len(ranked) > len(shown), [each.head for each in shown]
    found = await describe(reader, source, grouping, query.asked.range, heads)
    said = await states_of(states, project_id, [group.fingerprint for group in found])
    return ErrorGroups(
        next=encode_place(GroupCursor(query.sort, last.value, last.head)) if more else None,
        groups=[group.with_state(state) for group, state in zip(found, said, strict=True)],
    )


async def _rank(reader: Reader, source: Source, grouping: Grouping, query: GroupsQuery) -> list[_Ranked]:
    """The first groups in their order, one more than is asked for."""
    values: dict[str, Any] = {"middle": sum(query.asked.range) // 2 + 1, "rows": query.limit + 1}
    having = ""
    if query.cursor is not None:
        having = "HAVING (value, head) < (%(after)s, %(after_head)s)"
        values |= {"after": query.cursor.value, "after_head": query.cursor.head}
    rows = await source.rows(
        reader,
        f"{grouping.key.text} AS head, {SORTS[query.sort]} AS value",
        f"GROUP BY head {having} ORDER BY value DESC, head DESC LIMIT %(rows)s",
        grouping.key.values | values,
    )
    return [_Ranked(*row) for row in rows]


def _cursor(text: str, sort: str) -> GroupCursor:
    """Raises ValueError."""
    cursor = decode_as(GroupCursor, text)
    if cursor.sort != sort or not -(2**63) <= cursor.value < 2**63:
        raise ValueError(NOT_OURS)
    return cursor


def groups_question(groups: Groups, states: States) -> Question[GroupsQuery]:
    return Question(
        "/errors",
        "Groups of errors",
        parse_groups,
        partial(find_groups, groups, states),
        ErrorGroups,
        {"status": "Only groups of these: `open`, `resolved`, `muted`, comma-separated."},
    )
