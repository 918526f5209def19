"""How many exports may run: each keeps a connection and a part of the file for as long as its client takes."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.rejections import Unavailable

MOST = 8
"""In one process."""

MOST_OF_PROJECT = 2


class TooManyExports(Unavailable):
    """As many exports run as may, of this project or of all."""

    reason = "too_many_exports"
    sentence = "Too many exports are running: try again when one has ended"
    retry_after_s = 10


class Slots:
    """Counts the exports that run."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()

    @contextmanager
    def taken(self, project_id: str) -> Iterator[None]:
        """One for a project. Raises `TooManyExports`."""
        if self._running.total() >= MOST or self._running[project_id] >= MOST_OF_PROJECT:
            raise TooManyExports
        self._running[project_id] += 1
        try:
            yield
        finally:
            self._running[project_id] -= 1
            if not self._running[project_id]:
                del self._running[project_id]
