"""What people have said of groups of errors, and what became of it, in Postgres (reading.md, "Status of a group")."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, NamedTuple, get_args

import msgspec
from msgspec import Meta

from shared.clients.postgres import AsyncConnection, Postgres

Status = Literal["open", "resolved", "muted"]
STATUSES: tuple[Status, ...] = get_args(Status)

MAX_MINUTES = 24 * 60
"""Of a limit: so many minutes of counts are looked at."""


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many events within so many minutes."""

    count: Annotated[int, Meta(ge=1, le=1_000_000)]
    minutes: Annotated[int, Meta(ge=1, le=MAX_MINUTES)]


class Reopened(msgspec.Struct, frozen=True):
    """Why a group opened again by itself. `event_id`, `release`: of the error that did it; null where it was the time,
    or a limit."""

    at: datetime
    reason: Literal["regressed", "limit", "time"]
    event_id: str | None = None
    release: str | None = None


class State(msgspec.Struct, frozen=True):
    """`since`: when the status was set. `in_release`: what it is resolved in. `until`, `until_time`: what ends muting;
    null for both: nobody but people. `reopened`: why it is open again."""

    status: Status = "open"
    since: datetime | None = None
    in_release: str | None = None
    until: Limit | None = None
    until_time: datetime | None = None
    assignee: str | None = None
    reopened: Reopened | None = None

    def again(self, why: Reopened) -> "State":
        """The state of a group that opens by itself."""
        return State(since=why.at, assignee=self.assignee, reopened=why)


OPEN = State()


class StateChange(msgspec.Struct, frozen=True):
    """A change as history keeps it. `state`: after it."""

    at: datetime
    by: str
    state: State
    note: str | None = None


MOST_STATES = 50_000
"""Groups of a project that have a state: a list of groups by status names them all."""

MOST_CHANGES = 100
"""Of a group's history that an answer shows: the newest."""

MOST_RELEASES = 10_000
"""Of a project: those that were seen first are forgotten."""

BY = "sluice"
"""Who opens a group again, in its history."""

Alter = Callable[[State], StateChange]
"""The change of a group's state. It may raise: nothing is changed then."""


class TooManyStates(Exception):
    """The project has states of as many groups as it may."""


class Watched(NamedTuple):
    """A group that may open by itself."""

    project_id: str
    fingerprint: str
    state: State


class States:
    """What people have said of each group. A group goes by the fingerprint that heads it.

    1. A change of several groups is made wholly or not at all, and each is in its history.
    2. A project sees and changes its own groups only.

    Every call may raise `PostgresUnavailable`.
    """

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def find(self, project_id: str, fingerprints: Sequence[str]) -> dict[str, State]:
        """Fingerprint -> state, of those that have one."""
        rows = await self._postgres.query(
            "SELECT fingerprint, state::text FROM error_states WHERE project_id = %s AND fingerprint = ANY(%s)",
            [project_id, list(fingerprints)],
        )
        return {fingerprint: _state(text) for fingerprint, text in rows}

    async def with_status(self, project_id: str, *statuses: str) -> list[str]:
        """The groups that have one of these; of those that nobody has said anything of there is no state."""
        rows = await self._postgres.query(
            "SELECT fingerprint FROM error_states WHERE project_id = %s AND state->>'status' = ANY(%s)",
            [project_id, list(statuses)],
        )
        return [fingerprint for (fingerprint,) in rows]

    async def history(self, project_id: str, fingerprint: str) -> list[StateChange]:
        """The newest changes first."""
        rows = await self._postgres.query(
            "SELECT change::text FROM error_history WHERE project_id = %s AND fingerprint = %s"
            " ORDER BY id DESC LIMIT %s",
            [project_id, fingerprint, MOST_CHANGES],
        )
        return [msgspec.json.decode(text, type=StateChange) for (text,) in rows]

    async def regressed(
        self, project_id: str, start: datetime, end: datetime
    ) -> tuple[list[tuple[str, Reopened]], datetime]:
        """The groups that opened again from `start` to before `end`, when we did it, by an error after they were
        resolved; and up to when these are all. The earliest `MOST_CHANGES`, and those of the same moment."""
        rows = await self._postgres.query(
            "SELECT fingerprint, change->'state'->>'reopened', at FROM error_history"
            " WHERE project_id = %s AND at >= %s AND at < %s AND by = %s"
            " AND change->'state'->'reopened'->>'reason' = 'regressed' ORDER BY at FETCH FIRST %s ROWS WITH TIES",
            [project_id, start, end, BY, MOST_CHANGES],
        )
        up_to = end if len(rows) < MOST_CHANGES else rows[-1][2] + timedelta(microseconds=1)
        return [(fingerprint, msgspec.json.decode(text, type=Reopened)) for fingerprint, text, _ in rows], up_to

    async def watched(self) -> list[Watched]:
        """Of all projects."""
        rows = await self._postgres.query(
            "SELECT project_id, fingerprint, state::text FROM error_states WHERE state->>'status' = 'resolved'"
            " OR state->>'status' = 'muted' AND coalesce(state->>'until', state->>'until_time') IS NOT NULL"
        )
        return [Watched(project_id, fingerprint, _state(text)) for project_id, fingerprint, text in rows]

    async def change(self, project_id: str, fingerprints: Sequence[str], alter: Alter) -> dict[str, State]:
        """Change each of these groups; returns their states. Raises `TooManyStates`, and what `alter` raises."""

        async def change(db: AsyncConnection) -> dict[str, State]:
            await db.execute("SELECT 1 FROM projects WHERE id = %s FOR UPDATE", [project_id])
            return {each: await _change(db, project_id, each, alter) for each in fingerprints}

        return await self._postgres.change(change)

    async def first_seen(self, project_id: str) -> dict[str, datetime]:
        """Release -> when it was first seen."""
        rows = await self._postgres.query(
            "SELECT release, first_seen FROM releases WHERE project_id = %s", [project_id]
        )
        return dict(rows)

    async def seen(self, project_id: str, releases: Mapping[str, datetime]) -> None:
        """Remember when these releases were first seen, where nothing earlier is known."""

        async def remember(db: AsyncConnection) -> None:
            await db.execute(
                "INSERT INTO releases (project_id, release, first_seen)"
                " SELECT %s, * FROM unnest(%s::text[], %s::timestamptz[]) ON CONFLICT (project_id, release)"
                " DO UPDATE SET first_seen = least(releases.first_seen, excluded.first_seen)",
                [project_id, list(releases), list(releases.values())],
            )
            await db.execute(
                "DELETE FROM releases WHERE project_id = %(project)s AND release IN (SELECT release FROM releases"
                " WHERE project_id = %(project)s ORDER BY first_seen DESC, release OFFSET %(most)s)",
                {"project": project_id, "most": MOST_RELEASES},
            )

        await self._postgres.change(remember)


async def _change(db: AsyncConnection, project_id: str, fingerprint: str, alter: Alter) -> State:
    key = [project_id, fingerprint]
    rows = await db.execute(
        "SELECT state::text FROM error_states WHERE project_id = %s AND fingerprint = %s FOR UPDATE", key
    )
    row = await rows.fetchone()
    change = alter(_state(row[0]) if row else OPEN)
    if row is None:
        await _check_room(db, project_id)
    await db.execute(
        "INSERT INTO error_states (project_id, fingerprint, state) VALUES (%s, %s, %s)"
        " ON CONFLICT (project_id, fingerprint) DO UPDATE SET state = excluded.state",
        [*key, msgspec.json.encode(change.state).decode()],
    )
    await db.execute(
        "INSERT INTO error_history (project_id, fingerprint, at, by, change) VALUES (%s, %s, %s, %s, %s)",
        [*key, change.at, change.by, msgspec.json.encode(change).decode()],
    )
    return change.state


async def _check_room(db: AsyncConnection, project_id: str) -> None:
    rows = await db.execute("SELECT count(*) FROM error_states WHERE project_id = %s", [project_id])
    found = await rows.fetchone()
    if found and found[0] >= MOST_STATES:
        raise TooManyStates(f"states of {MOST_STATES:,} groups are kept: open some of them again")


def _state(text: str) -> State:
    return msgspec.json.decode(text, type=State)
