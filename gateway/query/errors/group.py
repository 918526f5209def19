"""What is counted of a group of errors in a list of them."""

from collections.abc import Sequence

import msgspec

from gateway.query.errors.rows import NEWEST_FIRST, SEVERITY, USERS, condition_of
from gateway.query.groups import COLUMN, Grouping
from gateway.query.language import Condition
from gateway.query.range import Range
from gateway.query.reader import Reader
from gateway.query.shape import Shape, Time
from gateway.query.source import Source
from gateway.query.stored import text_of
from gateway.query.trend import trend_sql
from shared.error_states import State

MAX_NAMES = 20
"""Of each list of names that a group has."""


MAX_MESSAGE = 2_000
"""Characters of a group's message."""


class ErrorGroup(msgspec.Struct, frozen=True):
    """`type`, `message`: of its newest error; at most 2,000 characters of it. `users`: how many. Of names the first 20
    are here. `trend`: errors in each 24th of the range. `status`, `assignee`: what people have said of it; `reopened`:
    why it is open again by itself."""

    fingerprint: str
    type: str
    message: str
    count: int
    users: int
    first_seen: Time
    last_seen: Time
    severity: str | None
    levels: list[str]
    releases: list[str]
    services: list[str]
    environments: list[str]
    trend: list[int]
    status: str
    assignee: str | None
    reopened: str | None

    def with_state(self, state: State) -> "ErrorGroup":
        reopened = state.reopened and state.reopened.reason
        return msgspec.structs.replace(self, status=state.status, assignee=state.assignee, reopened=reopened)


def _names(column: str) -> str:
    return f"arraySlice(arraySort(groupUniqArrayIf({column}, {column} != '')), 1, {MAX_NAMES})"


COUNTED = {
    "type": "''",
    "message": "''",
    "count": "count()",
    "users": USERS,
    "first_seen": "min(timestamp)",
    "last_seen": "max(timestamp)",
    "severity": SEVERITY,
    "levels": _names("level"),
    "releases": _names("release"),
    "services": _names("service"),
    "environments": _names("environment"),
    "status": "''",
    "assignee": "''",
    "reopened": "''",
}


async def describe(
    reader: Reader, source: Source, grouping: Grouping, range: Range, heads: Sequence[str]
) -> list[ErrorGroup]:
    """The groups of these fingerprints, in this order. One whose rows have gone in the meantime is left out."""
    source = source.narrowed(condition_of(grouping.only(*heads)))
    trend, values = trend_sql(range)
    key = grouping.key
    shape = Shape(ErrorGroup, {**COUNTED, COLUMN: key.text, "trend": trend})
    counted = await source.read(
        reader,
        lambda rows: [(row[-1], shape.row(row)) for row in rows],
        f"{shape.select}, toUnixTimestamp64Micro(max(timestamp))",
        f"GROUP BY {key.text}",
        key.values | values,
    )
    named = await _newest(reader, source, grouping, [moment for moment, _ in counted])
    found = {group.fingerprint: group for _, group in counted}
    return [
        msgspec.structs.replace(found[head], type=named[head][0], message=named[head][1])
        for head in heads
        if head in found and head in named
    ]


async def _newest(
    reader: Reader, source: Source, grouping: Grouping, moments: Sequence[int]
) -> dict[str, tuple[str, str]]:
    """Group -> type and message of its newest error. `moments`: the microseconds at which these happened, which the
    primary key finds."""
    bound = {f"moment_{n}": moment for n, moment in enumerate(moments)}
    times = ", ".join(f"fromUnixTimestamp64Micro(%({name})s)" for name in bound) or "NULL"
    source = source.narrowed(Condition(f"timestamp IN ({times})", bound))
    key = grouping.key
    select = f"{key.text} AS head, type, substringUTF8(error_message, 1, {MAX_MESSAGE})"
    rows = await source.rows(reader, select, f"{NEWEST_FIRST} LIMIT 1 BY head", key.values)
    return {head: (text_of(kind), text_of(message)) for head, kind, message in rows}
