"""What happened to a project's records, counted by signal and hour: what was accepted, dropped, refused, and how old
records were when they were stored (storage.md, "Counts by hour").

Counting is an addition to a number in memory; what was counted is added to Postgres in the background. It proves
nothing: a process that is killed takes the last seconds of its counts along.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from time import monotonic, time_ns
from typing import Literal

import structlog

from shared.clients.postgres import AsyncConnection, Postgres, PostgresUnavailable
from shared.clock import Clock

HOUR_US = 3_600_000_000

EVERY_S = 10.0
WITHIN_S = 3.0
"""How long Postgres may take for one change; after so long no other one begins in a flush."""

KEPT_DAYS = 35
"""How long counts are kept: longer than the 31 days that can be asked for by the hour."""

AT_ONCE = 5_000
"""Counts that one change adds, or drops: it is done well within `WITHIN_S`."""

MOST_KEPT = 100_000
"""Different counts that wait while Postgres is away: about 30 MB."""

Kind = Literal["accepted", "derived", "dropped", "refused", "age"]
"""Records that were taken in, that followed from those, that were dropped from accepted requests; requests that were
refused; messages that became rows at some age."""

Counted = tuple[str, str, Kind, str, int]
"""(project, signal, kind, what, hours since the epoch). What: the reason of what was dropped or refused, the bucket of
an age, else ''. The hour is that of the arrival."""

Row = tuple[Counted, int]

Tally = defaultdict[str, int]
"""Project -> how much of one kind, of one signal."""

_ADD = """
INSERT INTO hourly_counts (project_id, signal, kind, what, hour, n)
SELECT project_id, signal, kind, what, to_timestamp(hour * 3600.0), n
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])
    AS counted (project_id, signal, kind, what, hour, n)
ON CONFLICT (project_id, hour, signal, kind, what) DO UPDATE SET n = hourly_counts.n + excluded.n
"""
_FORGET = """
DELETE FROM hourly_counts WHERE ctid IN (SELECT ctid FROM hourly_counts WHERE hour < to_timestamp(%s) LIMIT %s)
"""

_log = structlog.get_logger(__name__)


class HourlyCounts:
    """Counts in memory, for one event loop.

    1. Who counts never waits, and does not notice that Postgres is away.
    2. What was counted is in Postgres within `EVERY_S`, and after `close`. While Postgres is away it waits, `MOST_KEPT`
       different counts at most; any more are given up, and the log says how many.
    """

    def __init__(self, postgres: Postgres, clock: Clock = time_ns) -> None:
        self._postgres = postgres
        self._clock = clock
        self._counts: defaultdict[Counted, int] = defaultdict(int)
        self._tallies: dict[tuple[str, Kind], Tally] = {}
        self._hour = self._now_us() // HOUR_US
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._away = False
        self._forgot_in = 0

    def add(self, project_id: str, signal: str, kind: Kind, n: int, at_us: int, what: str = "") -> None:
        """Count `n` more. `at_us`: when the request arrived, microseconds since the epoch."""
        self._counts[project_id, signal, kind, what, at_us // HOUR_US] += n

    def tally(self, signal: str, kind: Kind) -> Tally:
        """For paths on which a microsecond matters: `tally[project] += n`, in the hour in which that is done."""
        return self._tallies.setdefault((signal, kind), defaultdict(int))

    async def start(self) -> None:
        self._task = asyncio.create_task(self._go_on())

    async def close(self) -> None:
        """Add what is left, as far as three times `WITHIN_S` go."""
        self._stopping.set()
        if self._task is not None:
            await self._task
            await self._flush()

    async def flush(self) -> None:
        """Add to Postgres what was counted since the last time."""
        self._hand_over()
        try:
            await self._add()
        except PostgresUnavailable as error:
            if not self._away:
                _log.warning("counts by hour wait: Postgres does not take them", error=str(error))
            self._away = True
        else:
            self._away = False
            await self._forget()

    async def _add(self) -> None:
        """All or, where Postgres is slow or fails, the first of it; the rest waits. Raises `PostgresUnavailable`."""
        taken, self._counts = self._counts, defaultdict(int)
        # In one order for all processes: they would wait for each other's rows otherwise.
        rows, added = sorted((counted, n) for counted, n in taken.items() if n), 0
        ends = monotonic() + WITHIN_S
        try:
            while added < len(rows) and (not added or monotonic() < ends):
                await self._postgres.change(partial(_add, rows[added : added + AT_ONCE]), within_s=WITHIN_S)
                added += AT_ONCE
        finally:
            self._keep(rows[added:])

    def _hand_over(self) -> None:
        """What tallies hold belongs to the hour that began before."""
        for (signal, kind), tally in self._tallies.items():
            for project_id, n in tally.items():
                if n:
                    self._counts[project_id, signal, kind, "", self._hour] += n
            tally.clear()
        self._hour = self._now_us() // HOUR_US

    async def _go_on(self) -> None:
        while not self._stopping.is_set():
            left_s = (HOUR_US - self._now_us() % HOUR_US) / 1_000_000
            try:
                async with asyncio.timeout(min(EVERY_S, left_s)):
                    await self._stopping.wait()
            except TimeoutError:
                await self._flush()

    async def _flush(self) -> None:
        try:
            await self.flush()
        except Exception:
            _log.exception("counts by hour could not be added")

    def _now_us(self) -> int:
        return self._clock() // 1000

    def _keep(self, rows: Sequence[Row]) -> None:
        given_up = 0
        for counted, n in rows:
            if len(self._counts) < MOST_KEPT or counted in self._counts:
                self._counts[counted] += n
            else:
                given_up += n
        if given_up:
            _log.error("counts by hour are given up: too many wait for Postgres", given_up=given_up)

    async def _forget(self) -> None:
        """Once an hour: drop what is too old, a piece at each flush."""
        hour = self._now_us() // HOUR_US
        if hour == self._forgot_in:
            return
        try:
            dropped = await self._postgres.change(partial(_forget_before, hour - KEPT_DAYS * 24), within_s=WITHIN_S)
        except PostgresUnavailable as error:
            _log.warning("old counts by hour are not dropped: Postgres does not do it", error=str(error))
            return
        if dropped < AT_ONCE:
            self._forgot_in = hour


async def _add(rows: Sequence[Row], db: AsyncConnection) -> None:
    await db.execute(_ADD, [list(column) for column in zip(*((*counted, n) for counted, n in rows), strict=True)])


async def _forget_before(hour: int, db: AsyncConnection) -> int:
    return (await db.execute(_FORGET, [hour * 3600.0, AT_ONCE])).rowcount
