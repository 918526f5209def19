"""Finds out which groups of one project are to open again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.query.groups import Grouping, Groups
from gateway.query.reader import Reader
from gateway.query.triage.judge import ended, over, regression
from gateway.query.triage.rows import events_since, minutes_since, releases_since
from shared.error_states import Limit, Reopened, State, States

AT_ONCE = 500
"""Groups that one query asks for."""

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Sources:
    """What is asked. `errors`: the table of errors; `tables`: those of all signals, whose records name releases."""

    reader: Reader
    groups: Groups
    states: States
    errors: str
    tables: tuple[str, ...]


@dataclass(frozen=True)
class Stored:
    """What was received before these times is stored: of errors, and of all signals; None for unknown."""

    errors: datetime | None = None
    all: datetime | None = None


class Watch:
    """Each call looks at what was received since the one before; the first looks at all there is.

    1. An error is judged once it is stored, however late that is.
    2. All is judged again where the order of the project's releases has changed.
    """

    def __init__(self, project_id: str, sources: Sources) -> None:
        self._project_id = project_id
        self._sources = sources
        self._judged = Stored()
        self._first_seen: Mapping[str, datetime] = {}

    async def reopened(self, states: Mapping[str, State], stored: Stored) -> dict[str, Reopened]:
        """Group -> why it opens. `states`: of groups that may; those that were merged into others wait.

        Raises `PostgresUnavailable`, `TooBig`, `Unavailable`: then nothing counts as looked at.
        """
        grouping = await self._sources.groups.of(self._project_id)
        heads = {each: state for each, state in states.items() if grouping.head_of(each) == each}
        first_seen = await self._order() if any(state.in_release for state in heads.values()) else self._first_seen
        received = self._judged.errors if first_seen == self._first_seen else None
        found: dict[str, Reopened | None] = {each: ended(state, datetime.now(UTC)) for each, state in heads.items()}
        for part in _parts(heads):
            found |= await self._over(grouping, part)
            found |= await self._regressed(grouping, part, received, first_seen)
        self._first_seen = first_seen
        self._judged = Stored(stored.errors or self._judged.errors, stored.all or self._judged.all)
        return {each: why for each, why in found.items() if why is not None}

    async def _regressed(
        self,
        grouping: Grouping,
        states: Mapping[str, State],
        received: datetime | None,
        first_seen: Mapping[str, datetime],
    ) -> dict[str, Reopened | None]:
        since = {each: state.since for each, state in states.items() if state.status == "resolved" and state.since}
        if not since:
            return {}
        events = await events_since(
            self._sources.reader, self._sources.errors, self._project_id, grouping, since, received
        )
        return {each: regression(states[each], of_group, first_seen) for each, of_group in events.items()}

    async def _order(self) -> Mapping[str, datetime]:
        """Release -> when it was first seen."""
        sources, project_id = self._sources, self._project_id
        found = await releases_since(sources.reader, sources.tables, project_id, self._judged.all)
        if found.keys() - self._first_seen.keys():
            await sources.states.seen(project_id, found)
        return await sources.states.first_seen(project_id)

    async def _over(self, grouping: Grouping, states: Mapping[str, State]) -> dict[str, Reopened | None]:
        """The groups whose limit is reached."""
        limits = {each: state.until for each, state in states.items() if state.until}
        if not limits:
            return {}
        since = {each: _window(states[each], limit, self._judged.errors) for each, limit in limits.items()}
        counts = await minutes_since(self._sources.reader, self._sources.errors, self._project_id, grouping, since)
        reached = {each: over(limit, counts.get(each, {})) for each, limit in limits.items()}
        return {each: Reopened(at, "limit") for each, at in reached.items() if at is not None}


def _window(state: State, limit: Limit, judged: datetime | None) -> datetime:
    """From when on events count to a limit that was not reached by what was judged."""
    since = state.since or _NEVER
    return since if judged is None else max(since, judged - timedelta(minutes=limit.minutes))


def _parts(states: Mapping[str, State]) -> Iterator[dict[str, State]]:
    items = list(states.items())
    for n in range(0, len(items), AT_ONCE):
        yield dict(items[n : n + AT_ONCE])
