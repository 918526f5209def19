"""The data folder of one local stack: its owner, and what must stay the same over restarts."""

import contextlib
import fcntl
import json
import os
import secrets
import time
from pathlib import Path
from typing import Any


class InUse(Exception):
    """Another `sluice up` owns the folder; the text names its pid."""


class DataFolder:
    """Everything that `sluice up` keeps, in one folder whose files only their owner can read.

    1. One owner at a time: a lock of the kernel's, gone when its holder is, however it ended.
    2. Ports and passwords, once chosen, stay (`local.json`), so that clients and open shells find their servers again.
    3. Files that others read are replaced whole, never seen half written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.env = self.path / "env"
        self.state = self.path / "state.json"
        self.keys = self.path / "keys.json"
        self.queue = self.path / "queue" / "queue.db"
        self._lock = self.path / "lock"
        self._memory = self.path / "local.json"
        self._held: int | None = None

    def log(self, name: str) -> Path:
        return self.path / "log" / f"{name}.log"

    def acquire(self, patience_s: float = 1.0) -> None:
        """Own the folder until `release` or the end of this process. Raises `InUse`."""
        for folder in (self.path, self.path / "log", self.queue.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        deadline = time.monotonic() + patience_s  # `sluice status` holds the lock for an instant
        while not self._try_lock(fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                self.release()
                raise InUse(f"sluice up runs on {self.path} already (pid {self.owner()}): see sluice status")
            time.sleep(0.05)
        self._lock.write_text(f"{os.getpid()}\n")

    def release(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def is_owned(self) -> bool:
        """True while a `sluice up` (this one included) owns the folder."""
        if self._held is not None:
            return True
        if not self._lock.exists():
            return False
        free = self._try_lock(fcntl.LOCK_SH)
        self.release()
        return not free

    def owner(self) -> str:
        with contextlib.suppress(OSError):
            return self._lock.read_text().strip() or "unknown"
        return "unknown"

    def recall(self, kind: str, name: str) -> Any:
        """What `remember` was told, or None."""
        return self._recalled().get(kind, {}).get(name)

    def remember(self, kind: str, name: str, value: Any) -> None:
        memory = self._recalled()
        memory.setdefault(kind, {})[name] = value
        write_whole(self._memory, json.dumps(memory, indent=1))

    def password(self, name: str) -> str:
        """The password of this engine here, made at the first call. Letters and digits only: it goes into URLs."""
        if (known := self.recall("passwords", name)) is None:
            known = secrets.token_hex(12)
            self.remember("passwords", name, known)
        return str(known)

    def _recalled(self) -> dict[str, dict[str, Any]]:
        try:
            found: dict[str, dict[str, Any]] = json.loads(self._memory.read_text())
        except FileNotFoundError:
            return {}
        return found

    def _try_lock(self, kind: int) -> bool:
        if self._held is None:
            self._held = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._held, kind | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def write_whole(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    partial.replace(path)
