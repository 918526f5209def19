"""What people have said of groups, for the questions about errors."""

from collections.abc import Collection, Sequence

from gateway.query.groups import Grouping
from gateway.query.language import Condition, Cost
from gateway.query.postgres import known
from shared.error_states import OPEN, STATUSES, State, StateChange, States

WHAT = "the states of error groups"
"""In sentences."""


async def with_status(
    states: States, project_id: str, grouping: Grouping, statuses: Collection[str]
) -> list[Condition]:
    """The condition for the rows of groups that have one of these; without any, for all. Raises `Unavailable`."""
    if not statuses or set(statuses) == set(STATUSES):
        return []
    has_open = OPEN.status in statuses
    named = set(STATUSES) - set(statuses) if has_open else set(statuses)
    found = await known(states.with_status(project_id, *named), WHAT)
    heads = [each for each in found if grouping.head_of(each) == each]
    if not heads:
        return [] if has_open else [Condition("0")]
    only = grouping.only(*heads, name="of_status")
    return [Condition(f"NOT {only.text}" if has_open else only.text, only.values, Cost.COLUMNS)]


async def states_of(states: States, project_id: str, groups: Sequence[str]) -> list[State]:
    """Of each of these groups. Raises `Unavailable`."""
    found = await known(states.find(project_id, groups), WHAT)
    return [found.get(group, OPEN) for group in groups]


async def history_of(states: States, project_id: str, group: str) -> list[StateChange]:
    """The newest changes first. Raises `Unavailable`."""
    return await known(states.history(project_id, group), WHAT)
