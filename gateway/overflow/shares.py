"""Which projects send more records than their share (delivery.md, "The overflow topics")."""

import asyncio
from collections.abc import Callable
from time import monotonic

import structlog

from gateway.leases import Leases, Measure, Window
from shared.keys import ResolvedKey
from shared.metrics import Metrics

WINDOW_S = 10

UNDER_S = 60.0
"""A project is over its share until it was under it for this long, seconds."""

RECORDS = Measure(WINDOW_S, 10, 10**9)
"""Within a tenth of the limit, at some ten round trips a window, however large it is."""

_UNLIMITED = 1_000_000
"""Records of a project without a limit until its key is looked at again."""

_SWEEP_S = 60.0

_log = structlog.get_logger(__name__)


class Shares:
    """Counts the records of projects. `records_s`: the share of one without its own, a second; 0: none is over.

    1. Nobody waits: what this process has leased is counted down, and the next lease comes in the background.
    2. A project is over from the moment at which all processes together have used up a window, until that has not
       happened for `UNDER_S`. Each process notices by itself, with its next lease.
    3. With Redis away each process counts alone, against a whole share.
    """

    def __init__(
        self, records_s: int, leases: Leases, metrics: Metrics, clock: Callable[[], float] = monotonic
    ) -> None:
        """`clock`: monotonic seconds."""
        self._usual = records_s
        self._leases = leases
        self._clock = clock
        self._windows: dict[str, Window] = {}
        self._over: dict[str, float] = {}
        """Project -> until when it is over, unless it uses up a window again."""
        self._renewals: dict[str, asyncio.Task[None]] = {}
        self._sweep_at = 0.0
        metrics.overflow_projects.set_function(self._count_over)

    def is_over(self, key: ResolvedKey, n: int) -> bool:
        """Count `n` records more of the key's project; whether it is over its share."""
        project_id = key.project_id
        window = self._windows.get(project_id)
        if window is not None:
            window.left -= n
            if window.left >= 0 and project_id not in self._over:  # nearly always
                return False
        return self._judge(key, n, window)

    def _judge(self, key: ResolvedKey, n: int, window: Window | None) -> bool:
        project_id, now = key.project_id, self._clock()
        limit = WINDOW_S * (self._usual if key.lane_records_s is None else key.lane_records_s)
        if not limit:
            self._windows[project_id] = Window(0, _UNLIMITED, 0, now + _SWEEP_S, 0)
            self._over.pop(project_id, None)
            return False
        if window is None:
            window = self._windows[project_id] = Window(limit, -n, limit, 0.0, 0)
        if window.left < 0:
            if not window.pool and now < window.ends_at and window.limit == limit:
                self._used_up(project_id, limit, now)
            elif project_id not in self._renewals:
                self._renewals[project_id] = asyncio.create_task(self._renew(project_id, limit, window))
        if now < self._over.get(project_id, 0.0):
            return True
        if self._over.pop(project_id, None):
            _log.info("a project is within its share again", project_id=project_id)
        return False

    async def _renew(self, project_id: str, limit: int, before: Window) -> None:
        try:
            window = await self._leases.lease(
                f"overflow:{project_id}", limit, -before.left, before, measure=RECORDS, counted=False
            )
        finally:
            del self._renewals[project_id]
        if (window.resets_at, window.limit) != (before.resets_at, before.limit):
            window.left += min(0, before.left)  # these came now, too
        self._windows[project_id] = window
        if (now := self._clock()) >= self._sweep_at:
            self._sweep(now)

    def _used_up(self, project_id: str, limit: int, now: float) -> None:
        if project_id not in self._over:
            _log.warning(
                "a project sends more than its share: its messages take the overflow topics",
                project_id=project_id,
                records_s=limit // WINDOW_S,
            )
        self._over[project_id] = now + UNDER_S

    def _sweep(self, now: float) -> None:
        """Once a minute: projects that send no more must not fill the memory."""
        self._sweep_at = now + _SWEEP_S
        self._windows = {project_id: window for project_id, window in self._windows.items() if window.ends_at > now}
        self._over = {project_id: until for project_id, until in self._over.items() if until > now}

    def _count_over(self) -> int:
        now = self._clock()
        return sum(until > now for until in self._over.values())
