"""Signs of life of the receive loop. The loop itself gives them, so a stuck loop gives none."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog

from shared.metrics import Metrics

_log = structlog.get_logger(__name__)

EVERY_S = 1.0


class Liveness:
    """At most once a second, touches the liveness file and sets the gauges of what lanes hold and wait for.

    The file's age is for probes that run a command; /health serves those that ask over HTTP.
    """

    def __init__(self, metrics: Metrics, liveness_file: Path | None) -> None:
        self._metrics = metrics
        self._file = liveness_file
        self._next_at = 0.0

    def due(self, now: float) -> bool:
        """`now` is monotonic seconds."""
        return now >= self._next_at

    def update(self, now: float, states: Sequence[dict[str, Any]]) -> None:
        """`states`: one entry a lane, as /health shows them."""
        self._next_at = now + EVERY_S
        if self._file is not None:
            try:
                self._file.touch()
            except OSError as error:
                _log.error("the liveness file can't be touched", file=str(self._file), error=str(error))
        self._metrics.held_bytes.set(sum(state["held_bytes"] for state in states))
        self._metrics.waiting.clear()
        for state in states:
            for what, waiting in state["waiting"].items():
                self._metrics.waiting.labels(state["topic"], state["partition"], what).set(waiting["seconds"])
