"""A lock over all processes. Its file stays open: a process without a free descriptor can still take it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_S = 0.0005


class FileLock:
    """The lock on `<path>.lock`, for one thread at a time. The system lets go of it when a process dies."""

    def __init__(self, path: Path) -> None:
        self._path = f"{path}.lock"
        self._file = -1

    @contextmanager
    def held(self, timeout_s: float) -> Iterator[None]:
        """Hold the lock in the block. Raises `TimeoutError` where another one keeps it, and OSError."""
        deadline = time.monotonic() + timeout_s
        while not self._try():
            if time.monotonic() > deadline:
                raise TimeoutError(f"another process has kept it locked for {timeout_s:g} s")
            time.sleep(_POLL_S)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        if self._file >= 0:
            file, self._file = self._file, -1
            os.close(file)

    def __del__(self) -> None:
        self.close()

    def _try(self) -> bool:
        if self._file < 0:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if self._has_its_name():
            return True
        self.close()  # others lock the file that has the name now
        return False

    def _has_its_name(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._file))
        except FileNotFoundError:
            return False
