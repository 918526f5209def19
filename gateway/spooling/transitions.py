"""Logs a state that may change many times a second."""

import time

import structlog

_log = structlog.get_logger(__name__)

APART_S = 10.0


class Transitions:
    """Logs a state when it is another than the one that was logged last, and that is `APART_S` ago."""

    def __init__(self, begins: str, ends: str) -> None:
        """What is logged: as an error when it begins, as a warning when it is over."""
        self._begins = begins
        self._ends = ends
        self._told = False
        self._told_at = float("-inf")

    def look(self, is_so: bool, **more: object) -> None:
        if is_so == self._told or time.monotonic() - self._told_at < APART_S:
            return
        self._told, self._told_at = is_so, time.monotonic()
        if is_so:
            _log.error(self._begins, **more)
        else:
            _log.warning(self._ends)
