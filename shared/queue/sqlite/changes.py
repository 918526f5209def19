"""Tells cheaply that no process has changed the queue file."""

import os
import time
from pathlib import Path
from typing import NamedTuple

_SETTLED_NS = 250_000_000


class WalState(NamedTuple):
    """The write-ahead log at one moment. Equal states: nothing was committed between them."""

    inode: int
    size: int
    written_ns: int


class Changes:
    """Looks at the write-ahead log, which every commit writes to: 5 us, no lock, no disk, no thread.

    A commit is written, then synced, and only then visible to others: for a while after a write the state is unknown
    (`None`), and the file has to be read.
    """

    def __init__(self, path: Path) -> None:
        self._log = f"{path}-wal"

    def look(self) -> WalState | None:
        try:
            found = os.stat(self._log)
        except OSError:
            return None
        if time.time_ns() - found.st_mtime_ns < _SETTLED_NS:
            return None
        return WalState(found.st_ino, found.st_size, found.st_mtime_ns)

    def since(self, look: WalState | None) -> bool:
        """True: something may have been committed since that look."""
        return look is None or look != self.look()
