"""Groups of errors that are new, or have regressed."""

from collections.abc import Sequence
from dataclasses import replace as with_
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from gateway.query.alerts.asking import Case, Verdict
from gateway.query.alerts.first import first_of_group
from gateway.query.alerts.links import number, page
from gateway.query.alerts.windows import DAY_US, Window
from gateway.query.asked import Asked
from gateway.query.errors.events import SORTS, EventsQuery, find_events
from gateway.query.errors.ever import find_beginnings
from gateway.query.errors.group import ErrorGroup
from gateway.query.errors.groups import MAX_GROUPS, GroupCursor, GroupsQuery, find_groups
from gateway.query.groups import COLUMN
from gateway.query.language import Node
from gateway.query.language.nodes import AnyOf, Exact, Term
from gateway.query.paging import Paging
from gateway.query.place import decode_as
from gateway.query.range import Range
from gateway.query.refusals import GroupNotFound
from gateway.query.times import format_time
from shared.alerts.alert import Alert
from shared.alerts.progress import MINUTE_US, Progress
from shared.error_states import Reopened
from shared.formats.values import EARLIEST_US, microseconds

PAGES = 5
"""Pages of groups that are looked through for new ones in one window: a thousand groups."""

MOST_TOLD = 1_000
MOST_NAMED = 20
"""Groups of one alert."""

SETTLED_US = MINUTE_US
"""A change of a group is seen by all so long after it is made."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def not_told(progress: Progress, window: Window, new: Sequence[str]) -> tuple[Progress, list[str]]:
    """Those of these groups that nobody was told of. What was told of a time that is not complete is remembered until
    it is."""
    fresh = [group for group in new if group not in progress.told]
    told = (*progress.told, *fresh)[-MOST_TOLD:] if window.end > window.complete else ()
    return replace(progress, judged_to=window.complete, told=told), fresh


async def judge_new(case: Case, window: Window) -> Verdict:
    """While it cools nothing is judged: what is new then is told together."""
    if case.cools:
        return Verdict(case.progress)
    asked = case.asked("errors", window)
    new = await _new_groups(case, asked, window)
    progress, fresh = not_told(case.progress, window, list(new))
    if not fresh:
        return Verdict(progress)
    titles = [f"{new[group].type}: {new[group].message}"[:200] for group in fresh]
    what = f"new error, {titles[0]}" if len(fresh) == 1 else number(len(fresh), "new error", "new errors")
    alert = await _alert(case, what, fresh, titles, asked)
    return Verdict(progress, replace(alert, incomplete=window.end > window.complete))


async def judge_regressed(case: Case) -> Verdict:
    """What opens groups again has judged them on complete data (reading.md, "When a group opens again")."""
    progress, end = case.progress, (case.now - SETTLED_US) // MINUTE_US * MINUTE_US
    if case.cools or end <= progress.judged_to:
        return Verdict(progress)
    start = max(progress.judged_to, end - DAY_US)
    found, up_to = await case.deps.states.regressed(case.project_id, _moment(start), _moment(end))
    progress = replace(progress, judged_to=microseconds(up_to))
    kept = {group: why for group, why in found if await _is_asked_for(case, group, why)}
    if not kept:
        return Verdict(progress)
    groups, first = list(kept), microseconds(min(why.at for why in kept.values()))
    asked = Asked(Range(first, max(first, *(microseconds(why.at) for why in kept.values()))), case.tree("errors"))
    what = number(len(groups), "error has regressed", "errors have regressed")
    releases = [f"in {why.release}" if why.release else "without a release" for why in kept.values()]
    return Verdict(progress, await _alert(case, what, groups, releases, asked))


async def _new_groups(case: Case, asked: Asked, window: Window) -> dict[str, ErrorGroup]:
    """The groups that this finds and that had no error which arrived before the window."""
    deps, project_id = case.deps, case.project_id
    found = {getattr(each, COLUMN): each for each in await _groups(case, asked)}
    grouping = await deps.groups.of(project_id)
    began = await find_beginnings(deps.reader, project_id, grouping, list(found))
    young = [group for group in found if began.get(group, 0) >= asked.range.start]
    if not young:
        return {}
    before = with_(asked, q=_these(young), arrived=Range(EARLIEST_US, window.start - 1))
    old = {getattr(each, COLUMN) for each in await _groups(case, before)}
    return {group: found[group] for group in young if group not in old}


async def _groups(case: Case, asked: Asked) -> list[ErrorGroup]:
    deps, cursor, found = case.deps, None, list[ErrorGroup]()
    for _ in range(PAGES):
        query = GroupsQuery(asked, "last", MAX_GROUPS, cursor)
        page = await find_groups(deps.groups, deps.states, deps.reader, case.project_id, query)
        found += page.groups
        if page.next is None:
            break
        cursor = decode_as(GroupCursor, page.next)
    return found


async def _is_asked_for(case: Case, group: str, why: Reopened) -> bool:
    """Whether the rule's query finds the error that opened a group."""
    at = microseconds(why.at)
    query = EventsQuery(Asked(Range(at, at), case.tree("errors")), group, Paging(SORTS[0], limit=100))
    try:
        found = await find_events(case.deps.groups, case.deps.reader, case.project_id, query)
    except GroupNotFound:
        return False
    return any(each.event_id == why.event_id for each in found.events)


async def _alert(case: Case, what: str, groups: list[str], titles: list[str], asked: Asked) -> Alert:
    named, range = groups[:MOST_NAMED], asked.range
    several = page(case.project_id, "errors", range, _these(named))
    more = f"\nand {len(groups) - 5:,} more" if len(groups) > 5 else ""
    return Alert(
        title=f"{case.rule.name}: {what}",
        text="\n".join(titles[:5]) + more,
        path=several if len(groups) > 1 else page(case.project_id, f"errors/{groups[0]}"),
        at=format_time(case.now),
        start=format_time(asked.arrived.start if asked.arrived else range.start),
        end=format_time(asked.arrived.end + 1 if asked.arrived else range.end),
        first=await first_of_group(case, asked, groups[0]),
        groups=tuple(named),
    )


def _these(groups: Sequence[str]) -> Node:
    return Term(COLUMN, AnyOf(tuple(map(Exact, groups))))


def _moment(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)
