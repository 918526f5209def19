"""Judges the rules of all projects and sends what comes of it, round by round, in one of the processes that read
(alerts.md, "When a rule is judged")."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from gateway.query.alerts.post import send_due
from gateway.query.alerts.watch import Watch
from gateway.query.deps import QueryDeps
from gateway.query.rounds import Round
from gateway.query.rounds import Rounds as LockedRounds
from shared.alerts.rules import StoredRule
from shared.clock import Clock
from shared.secret import AnyUrl

EVERY_S = 10.0

AT_ONCE = 2
"""Projects that are judged at the same time, of each one rule."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR_US = 3_600_000_000


class AlertRounds:
    """1. How far a rule is judged and the alert that came of it are kept together: a restart neither repeats an alert
       nor skips a time, and of two processes that judge the same one alone is heard.
    2. One rule that can't be judged, or one receiver that does not answer, holds up no other project for long.
    3. Judging and sending don't wait for each other.
    """

    def __init__(self, url: AnyUrl, deps: QueryDeps, clock: Clock) -> None:
        """`url`: of Postgres."""
        self._alerts = deps.known_alerts
        self._clock = clock
        self._watch = Watch(deps, clock)
        self._forgot_in = 0
        judging = Round("alerts", self.judge, self._watch.forget, "alerts are not judged", "alerts were not judged")
        sending = Round("alerts sent", self.send, lambda: None, "alerts are not sent", "alerts were not sent")
        self._rounds = [LockedRounds(url, judging), LockedRounds(url, sending)]

    async def start(self) -> None:
        for rounds in self._rounds:
            rounds.start(EVERY_S)

    async def close(self) -> None:
        for rounds in self._rounds:
            await rounds.close()

    async def judge(self) -> None:
        """Judge all rules once, as far as each project's time goes. Raises `PostgresUnavailable`."""
        watched = await self._alerts.rules.watched()
        slots = asyncio.Semaphore(AT_ONCE)

        async def judge_project(rules: Sequence[StoredRule]) -> None:
            async with slots:
                await self._watch.judge_project(rules)

        by_project = [list(rules) for _, rules in groupby(watched, lambda each: each.project_id)]
        await asyncio.gather(*map(judge_project, by_project))
        self._watch.keep(watched)

    async def send(self) -> None:
        """Send what is due; once an hour forget what is too old. Raises `PostgresUnavailable`."""
        now = self._clock() // 1000
        await send_due(self._alerts, _EPOCH + timedelta(microseconds=now))
        if now // _HOUR_US != self._forgot_in:
            await self._alerts.deliveries.forget_old()
            self._forgot_in = now // _HOUR_US
