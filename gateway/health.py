"""`GET /health` and `/health/ready`: alive, and able to accept requests (contracts.md, "Health")."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from time import monotonic, perf_counter
from typing import Any

from gateway.publisher import Publisher
from shared.queue.base import Queue

Check = Callable[[], Awaitable[None]]
"""Returns when the neighbour answered; raises when it can't be used."""

CHECK_TIMEOUT_S = 2.0
CACHED_S = 1.0


def alive(now: datetime | None = None) -> dict[str, str]:
    """The body of `GET /health`."""
    moment = (now or datetime.now(UTC)).astimezone(UTC)
    return {"status": "ok", "timestamp": moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"}


class TakesMessages:
    """The check of the queue: a request would be taken now. That it answers is not enough."""

    def __init__(self, queue: Queue, topics: Sequence[str], publisher: Publisher) -> None:
        self._queue = queue
        self._topics = frozenset(topics)
        self._publisher = publisher

    async def __call__(self) -> None:
        """Raises `QueueUnavailable`."""
        self._publisher.check()
        await self._queue.ping(self._topics)


class Readiness:
    """The state of the neighbours: each is asked with its own timeout, and the answer is kept for a second.

    `required`: if all of one of these sets are away, the process can't do its work, and the answer is 503.
    """

    def __init__(self, checks: Mapping[str, Check], required: Callable[[], Collection[frozenset[str]]]) -> None:
        self._checks = checks
        self._required = required
        self._asked_at = float("-inf")
        self._answer: tuple[int, dict[str, Any]] = (503, {})
        self._lock = asyncio.Lock()

    async def ask(self) -> tuple[int, dict[str, Any]]:
        """(status, body) of `GET /health/ready`."""
        async with self._lock:
            if monotonic() - self._asked_at > CACHED_S:
                self._answer = await self._ask_all()
                self._asked_at = monotonic()
        return self._answer

    async def _ask_all(self) -> tuple[int, dict[str, Any]]:
        results = await asyncio.gather(*(_ask(check) for check in self._checks.values()))
        checks = dict(zip(self._checks, results, strict=True))
        down = {name for name, result in checks.items() if result["status"] != "ok"}
        if any(each <= down for each in self._required()):
            return 503, {"status": "unavailable", "checks": checks}
        return 200, {"status": "degraded" if down else "ok", "checks": checks}


async def _ask(check: Check) -> dict[str, Any]:
    started = perf_counter()
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            await check()
    except Exception:  # whatever a neighbour's client raises, the neighbour can't be used
        return {"status": "unavailable", "latency_ms": _milliseconds_since(started)}
    return {"status": "ok", "latency_ms": _milliseconds_since(started)}


def _milliseconds_since(started: float) -> float:
    return round((perf_counter() - started) * 1000, 1)
