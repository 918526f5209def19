"""Judges rule after rule (alerts.md, "When a rule is judged")."""

from collections.abc import Sequence
from time import monotonic

import structlog
from msgspec.structs import replace

from gateway.query.alerts.asking import Case, Verdict
from gateway.query.alerts.judging import judge, window_for
from gateway.query.alerts.windows import Window
from gateway.query.deps import QueryDeps
from gateway.query.reader import Cramped, TooBig, TooSlow
from gateway.rejections import Unavailable
from shared.alerts.progress import MINUTE_US, Progress
from shared.alerts.rules import StoredRule
from shared.clients.postgres import PostgresUnavailable
from shared.clock import Clock

OF_PROJECT_S = 10.0
"""After so long no other rule of a project begins in a round; the next round goes on there."""

PIECE_US = 60 * MINUTE_US
"""So much is looked at together, once a look at all that was due took too long."""

_TOO_MUCH = "too much to look at: a narrower query would do"
_FAILED = "it can't be judged: tell who runs this Sluice, whose log says why"
_log = structlog.get_logger(__name__)


class Watch:
    """1. What goes wrong with a rule is that rule's alone.
    2. A rule whose query takes too long is asked for less, and passes over what takes too long all the same.
    """

    def __init__(self, deps: QueryDeps, clock: Clock) -> None:
        self._deps = deps
        self._clock = clock
        self._looked_at: dict[str, tuple[Window, Progress]] = {}
        self._slow: dict[str, int] = {}  # rule -> how far it was judged when its query took too long
        self._next: dict[str, str] = {}  # project -> the rule whose turn it is

    def forget(self) -> None:
        """Another process has judged in the meantime."""
        for kept in (self._looked_at, self._slow, self._next):
            kept.clear()

    def keep(self, rules: Sequence[StoredRule]) -> None:
        """Forget all other rules."""
        known = {each.id for each in rules} | {each.project_id for each in rules}
        for kept in (self._looked_at, self._slow, self._next):
            for gone in kept.keys() - known:
                del kept[gone]

    async def judge_project(self, rules: Sequence[StoredRule]) -> None:
        """Those of one project, one at least."""
        project_id, ends = rules[0].project_id, monotonic() + OF_PROJECT_S
        first = self._next.get(project_id, "")
        turns = sorted(rules, key=lambda each: (each.id < first, each.id))
        for stored, following in zip(turns, [*turns[1:], turns[0]], strict=True):
            await self._judge(stored)
            self._next[project_id] = following.id
            if monotonic() >= ends:
                break

    async def _judge(self, stored: StoredRule) -> None:
        try:
            judged = await self._judged(stored)
            if judged is None:
                return
            window, verdict = judged
            if verdict.progress != stored.progress:
                await self._deps.known_alerts.rules.advance(stored, *verdict)
            self._looked_at[stored.id] = window, stored.progress
        except (Unavailable, PostgresUnavailable) as error:
            _log.warning("a rule was not judged", rule=stored.id, project_id=stored.project_id, error=repr(error))
        except Exception:
            _log.exception("a rule was not judged", rule=stored.id, project_id=stored.project_id)

    async def _judged(self, stored: StoredRule) -> tuple[Window, Verdict] | None:
        """None where there is nothing to judge now. Raises `PostgresUnavailable`, `Unavailable`."""
        case = Case(self._deps, stored.project_id, stored.rule, stored.progress, self._clock() // 1000)
        due = await window_for(case)
        if due is None:
            return None
        window = due.at_most(PIECE_US) if stored.id in self._slow else due
        if self._looked_at.get(stored.id) == (window, stored.progress):
            return None
        try:
            verdict = await self._verdict(case, window, stored.id)
        except Exception as error:
            if isinstance(error, Unavailable | PostgresUnavailable):
                raise
            _log.exception("a rule can't be judged", rule=stored.id, project_id=stored.project_id)
            return window, Verdict(replace(stored.progress, problem=_FAILED))
        if window == due and not verdict.progress.problem:
            self._slow.pop(stored.id, None)
        return window, verdict

    async def _verdict(self, case: Case, window: Window, rule_id: str) -> Verdict:
        """Raises what `judge` raises, but nothing that asking for less would help."""
        progress = case.progress
        too_much = Verdict(replace(progress, judged_to=window.complete, problem=_TOO_MUCH))
        try:
            verdict = await judge(case, window)
        except (TooBig, Cramped):
            return too_much
        except TooSlow:
            if self._slow.get(rule_id) == progress.judged_to:
                return too_much
            self._slow[rule_id] = progress.judged_to
            raise
        fired = {"fired_at": case.now} if verdict.alert else {}
        return Verdict(replace(verdict.progress, problem="", **fired), verdict.alert)
