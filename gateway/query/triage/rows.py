"""What the rows say of groups that may open by themselves."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from gateway.query.groups import COLUMN, Grouping
from gateway.query.language import Condition
from gateway.query.reader import Reader
from gateway.query.source import Source
from gateway.query.triage.judge import Event
from shared.formats.values import microseconds

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)


def arrived(since: datetime | None) -> list[Condition]:
    """The rows that were received since; all of them without a time."""
    if since is None:
        return []
    return [Condition("received_at >= fromUnixTimestamp64Micro(%(arrived)s)", {"arrived": microseconds(since)})]


async def events_since(
    reader: Reader,
    table: str,
    project_id: str,
    grouping: Grouping,
    groups: Mapping[str, datetime],
    received: datetime | None,
) -> dict[str, list[Event]]:
    """Group -> of each release its first error after the time that is given with the group, among the rows that were
    received since. Raises `TooBig`, `Unavailable`."""
    source = _errors(reader, table, project_id, grouping, groups, [*arrived(received), _after(grouping, groups)])
    rows = await source.rows(
        reader,
        f"{grouping.key.text} AS head, toUnixTimestamp64Micro(timestamp), event_id, release",
        "ORDER BY timestamp LIMIT 1 BY head, release",
        grouping.key.values,
    )
    found: dict[str, list[Event]] = {}
    for head, us, event_id, release in rows:
        found.setdefault(head, []).append(Event(moment(us), event_id, release))
    return found


async def minutes_since(
    reader: Reader,
    table: str,
    project_id: str,
    grouping: Grouping,
    groups: Mapping[str, datetime],
) -> dict[str, dict[datetime, int]]:
    """Group -> minute -> its errors in it, after the time that is given with the group. Raises `TooBig`,
    `Unavailable`."""
    source = _errors(reader, table, project_id, grouping, groups, [_after(grouping, groups)])
    rows = await source.rows(
        reader,
        f"{grouping.key.text} AS head, intDiv(toUnixTimestamp64Micro(timestamp), 60000000) AS minute, count()",
        "GROUP BY head, minute",
        grouping.key.values,
    )
    found: dict[str, dict[datetime, int]] = {}
    for head, minute, count in rows:
        found.setdefault(head, {})[moment(minute * 60_000_000)] = count
    return found


async def groups_with_rows(
    reader: Reader, table: str, project_id: str, grouping: Grouping, groups: Sequence[str]
) -> set[str]:
    """Those of these groups that have errors. Raises `TooBig`, `Unavailable`."""
    source = _errors(reader, table, project_id, grouping, groups, [])
    rows = await source.rows(reader, f"{COLUMN}, count()", f"GROUP BY {COLUMN}")
    return {grouping.head_of(fingerprint) for fingerprint, _ in rows}


async def releases_since(
    reader: Reader, tables: Iterable[str], project_id: str, received: datetime | None
) -> dict[str, datetime]:
    """Release -> when its first record was received, among the rows that were received since. Raises `TooBig`,
    `Unavailable`."""
    found: dict[str, datetime] = {}
    for table in tables:
        source = Source.of(reader.database, table, project_id, [*arrived(received), Condition("release != ''")])
        rows = await source.rows(reader, "release, toUnixTimestamp64Micro(min(received_at))", "GROUP BY release")
        for release, us in rows:
            found[release] = min(found.get(release, moment(us)), moment(us))
    return found


def _errors(
    reader: Reader, table: str, project_id: str, grouping: Grouping, groups: Iterable[str], conditions: list[Condition]
) -> Source:
    only = grouping.only(*groups)
    of_groups = Condition(only.text, only.values)
    return Source.of(reader.database, table, project_id, [*conditions, of_groups])


def _after(grouping: Grouping, groups: Mapping[str, datetime]) -> Condition:
    """After the time that is given with the group; none of them is before the first."""
    times = {each: microseconds(at) for head, at in groups.items() for each in grouping.members(head)}
    each = f"fromUnixTimestamp64Micro(transform({COLUMN}, %(of_group)s, %(group_since)s, 0))"
    values = {"of_group": list(times), "group_since": list(times.values()), "first_since": min(times.values())}
    return Condition(f"timestamp > fromUnixTimestamp64Micro(%(first_since)s) AND timestamp > {each}", values)
