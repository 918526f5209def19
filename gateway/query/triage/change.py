"""Changes states of error groups, for the routes and the pages."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from gateway.query.deps import QueryDeps
from gateway.query.postgres import known
from gateway.query.refusals import GroupNotFound
from gateway.query.triage.body import StateBody
from gateway.query.triage.refusals import TooMany
from gateway.query.triage.rows import groups_with_rows
from gateway.query.triage.said import WHAT
from gateway.query.triage.shapes import ChangedGroup
from gateway.query.turns import in_turn
from shared.error_states import TooManyStates


async def change_groups(
    deps: QueryDeps, project_id: str, fingerprints: Sequence[str], body: StateBody, by: str
) -> list[ChangedGroup]:
    """The groups of these fingerprints, once all of them are changed. `by`: who does it, as history keeps it. Raises
    `InvalidBody`, `GroupNotFound`, `TooMany`, `Unavailable`."""
    now = datetime.now(UTC)
    body.check(now)
    grouping = await deps.groups.of(project_id)
    heads = list(dict.fromkeys(map(grouping.head_of, fingerprints)))
    if set(heads) - await groups_with_rows(deps.reader, deps.stores["errors"], project_id, grouping, heads):
        raise GroupNotFound
    alter = partial(body.changed, now=now, by=by)
    try:
        changed = await in_turn(
            deps.error_changes, project_id, lambda: known(deps.states.change(project_id, heads, alter), WHAT)
        )
    except TooManyStates as error:
        raise TooMany from error
    return [ChangedGroup(head, changed[head]) for head in heads]
