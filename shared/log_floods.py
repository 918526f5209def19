"""Keeps a log readable, and its disk free, while somebody causes the same line thousands of times a second."""

import logging
from collections.abc import Callable
from time import monotonic

EVERY_S = 1.0
_KINDS_KEPT = 1_000


class OncePerSecond(logging.Filter):
    """Lets one line of a kind through a second, with the number of those before it that were left out: `left_out`.

    A kind is a logger, a level and the sentence, whatever else a line says. Lines of a debugger are let through.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._kinds: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.name, record.levelno, _sentence(record)
        now = self._clock()
        next_at, left_out = self._kinds.get(kind, (now, 0))
        if now < next_at:
            self._kinds[kind] = next_at, left_out + 1
            return False
        if len(self._kinds) >= _KINDS_KEPT:
            self._kinds.clear()
        self._kinds[kind] = now + EVERY_S, 0
        if left_out:
            _tell(record, left_out)
        return True


def _sentence(record: logging.LogRecord) -> str:
    """The text without what was filled in: structlog's lines are a dict, others have their arguments apart."""
    said = record.msg
    return str(said.get("event")) if isinstance(said, dict) else str(said)[:200]


def _tell(record: logging.LogRecord, left_out: int) -> None:
    if isinstance(record.msg, dict):
        record.msg = {**record.msg, "left_out": left_out}
    else:
        record.msg = f"{record.getMessage()} (left out before: {left_out})"
        record.args = ()
