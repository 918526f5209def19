"""Opens groups again, round by round, in one of the processes that read (reading.md, "When a group opens again")."""

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby

import structlog

from gateway.query.deps import AskComplete, complete_of
from gateway.query.reader import TooBig
from gateway.query.rounds import Round
from gateway.query.rounds import Rounds as LockedRounds
from gateway.query.triage.rows import moment
from gateway.query.triage.watch import Sources, Stored, Watch
from gateway.rejections import Unavailable
from shared.error_states import BY, Reopened, State, StateChange
from shared.secret import AnyUrl

OVERLAP = timedelta(minutes=2)
"""What was received before a time may be answered so much after it, and is looked for so much longer."""

_AWAY = "resolved and muted errors are not watched"
_FAILED = "resolved and muted errors were not judged"
_log = structlog.get_logger(__name__)


class _Changed(Exception):
    """Somebody has changed the group in the meantime."""


class Rounds:
    """Judges every group that is resolved, or muted until something happens.

    1. One process at a time does it; when that dies, another goes on within two rounds.
    2. A group that somebody has changed meanwhile stays as they left it.
    """

    def __init__(self, url: AnyUrl, sources: Sources, complete: AskComplete, every_s: float) -> None:
        """`url`: of Postgres."""
        self._sources = sources
        self._complete = complete
        self._every_s = every_s
        self._watches: dict[str, Watch] = {}
        self._rounds = LockedRounds(url, Round("error states", self.round, self._forget, _AWAY, _FAILED))
        self.close = self._rounds.close

    async def start(self) -> None:
        self._rounds.start(self._every_s)

    def _forget(self) -> None:
        self._watches = {}

    async def round(self) -> None:
        """Judge all groups once. Raises `PostgresUnavailable`."""
        stored = Stored(await self._stored(self._sources.errors), await self._stored(*self._sources.tables))
        watched = sorted(await self._sources.states.watched(), key=lambda each: each.project_id)
        states = {name: list(group) for name, group in groupby(watched, lambda each: each.project_id)}
        self._watches = {name: self._watches.get(name) or Watch(name, self._sources) for name in states}
        for project_id, watch in self._watches.items():
            await self._judge(project_id, watch, {each.fingerprint: each.state for each in states[project_id]}, stored)

    async def _stored(self, *tables: str) -> datetime | None:
        up_to = (await complete_of(self._complete, tables)).up_to
        return None if up_to is None else moment(up_to) - OVERLAP

    async def _judge(self, project_id: str, watch: Watch, states: Mapping[str, State], stored: Stored) -> None:
        try:
            reopened = await watch.reopened(states, stored)
        except (Unavailable, TooBig) as error:
            _log.warning("a project's errors were not judged", project_id=project_id, error=repr(error))
            return
        for fingerprint, why in reopened.items():
            await self._open(project_id, fingerprint, states[fingerprint], why)

    async def _open(self, project_id: str, fingerprint: str, state: State, why: Reopened) -> None:
        def again(found: State) -> StateChange:
            if found != state:
                raise _Changed
            return StateChange(datetime.now(UTC), BY, state.again(why))

        with contextlib.suppress(_Changed):
            await self._sources.states.change(project_id, [fingerprint], again)
