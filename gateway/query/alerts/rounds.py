"""Judges the rules of all projects and sends what comes of it, round by round, in one of the processes that read
(alerts.md, "When a rule is judged")."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

import structlog
from msgspec.structs import replace

from gateway.query.alerts.asking import Case, Verdict
from gateway.query.alerts.judging import judge, window_for
from gateway.query.alerts.post import send_due
from gateway.query.alerts.windows import Window
from gateway.query.deps import QueryDeps
from gateway.query.reader import Cramped, TooBig
from gateway.query.rounds import Round
from gateway.query.rounds import Rounds as LockedRounds
from gateway.rejections import Unavailable
from shared.alerts.progress import Progress
from shared.alerts.rules import StoredRule
from shared.clients.postgres import PostgresUnavailable
from shared.clock import Clock

EVERY_S = 10.0

AT_ONCE = 2
"""Projects that are judged at the same time, of each one rule."""

_TOO_MUCH = "too much to look at: a narrower query would do"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_log = structlog.get_logger(__name__)


class AlertRounds:
    """1. How far a rule is judged and the alert that came of it are kept together: a restart neither repeats an alert
       nor skips a time, and of two processes that judge the same one alone is heard.
    2. One rule that can't be judged, or one receiver that does not answer, holds up no other project for long.
    """

    def __init__(self, url: str, deps: QueryDeps, clock: Clock) -> None:
        """`url`: of Postgres."""
        self._deps = deps
        self._clock = clock
        self._looked_at: dict[str, tuple[Window, Progress]] = {}
        away, failed = "alerts are neither judged nor sent", "alerts were not judged"
        self._rounds = LockedRounds(url, Round("alerts", self.round, self._looked_at.clear, away, failed))
        self.close = self._rounds.close

    async def start(self) -> None:
        self._rounds.start(EVERY_S)

    async def round(self) -> None:
        """Judge all rules once, and send what is due. Raises `PostgresUnavailable`."""
        watched = await self._deps.known_alerts.rules.watched()
        slots = asyncio.Semaphore(AT_ONCE)

        async def judge_all(rules: Sequence[StoredRule]) -> None:
            async with slots:
                await self._judge_all(rules)

        by_project = [list(rules) for _, rules in groupby(watched, lambda each: each.project_id)]
        await asyncio.gather(*map(judge_all, by_project))
        known = {each.id for each in watched}
        for rule_id in self._looked_at.keys() - known:
            del self._looked_at[rule_id]
        await send_due(self._deps.known_alerts, _EPOCH + timedelta(microseconds=self._now()))

    def _now(self) -> int:
        return self._clock() // 1000

    async def _judge_all(self, rules: Sequence[StoredRule]) -> None:
        """Those of one project."""
        judged = [(each, verdict) for each in rules if (verdict := await self._judge(each)) is not None]
        changed = [(each, *verdict) for each, verdict in judged if verdict.progress != each.progress]
        if changed:
            await self._deps.known_alerts.rules.advance(changed)

    async def _judge(self, stored: StoredRule) -> Verdict | None:
        """None where there is nothing to judge, or it can't be judged now."""
        case = Case(self._deps, stored.project_id, stored.rule, stored.progress, self._now())
        try:
            window = await window_for(case)
            if window is None or self._looked_at.get(stored.id) == (window, stored.progress):
                return None
            verdict = await judge(case, window)
        except (TooBig, Cramped):
            return Verdict(replace(stored.progress, judged_to=window.complete if window else 0, problem=_TOO_MUCH))
        except (Unavailable, PostgresUnavailable) as error:
            _log.warning("a rule was not judged", rule=stored.id, project_id=stored.project_id, error=repr(error))
            return None
        self._looked_at[stored.id] = (window, stored.progress)
        fired = {"fired_at": case.now} if verdict.alert else {}
        return Verdict(replace(verdict.progress, problem="", **fired), verdict.alert)
