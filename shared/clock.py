"""The wall clock of one process, which a test can make wrong without touching the machine's."""

from collections.abc import Callable
from time import time_ns

Clock = Callable[[], int]
"""Nanoseconds since the epoch."""


def clock(offset_s: float) -> Clock:
    """The machine's clock itself, or one that is so many seconds ahead of it (behind, if negative)."""
    offset_ns = int(offset_s * 1e9)
    return (lambda: time_ns() + offset_ns) if offset_ns else time_ns
