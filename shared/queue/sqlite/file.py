"""The queue file: opening it, one writer at a time, and its errors as the queue's."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from shared.queue.base import QueueUnavailable
from shared.queue.sqlite.file_lock import FileLock
from shared.queue.sqlite.schema import SCHEMA, VERSION

_PRAGMAS = """
PRAGMA synchronous = FULL;
PRAGMA secure_delete = OFF;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA journal_size_limit = 67108864;
"""


class QueueFile:
    """A connection to the queue file, for one thread at a time. Opened when first used, again after every error.

    1. Write transactions and checkpoints happen one at a time over all processes, under a lock on `<path>.lock`. SQLite
       before 3.51.3 can corrupt a WAL file when two connections write and checkpoint at the same moment (its
       "WAL-reset bug"); and waiting in SQLite's own way sleeps up to 100 ms at a time.
    2. What was committed survives a power cut (`synchronous=FULL`: the WAL is synced before COMMIT returns).
    3. A file that was deleted or replaced is noticed before the next use; nothing is stored in a file without a name.
    4. Every error of SQLite or of the system is raised as `QueueUnavailable`.
    """

    def __init__(self, path: Path, *, lock_timeout_s: float) -> None:
        self._path = path
        self._lock_timeout_s = lock_timeout_s
        self._lock = FileLock(path)
        self._db: sqlite3.Connection | None = None
        self._inode = 0

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One read transaction: sees the state of one commit throughout. To be kept short: it pins the WAL."""
        with self._errors():
            db = self._connection()
            db.execute("BEGIN")
            try:
                yield db
            finally:
                with suppress(sqlite3.Error):
                    db.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: committed and synced at the end, rolled back when the body raises."""
        with self._errors(), self._lock.held(self._lock_timeout_s):
            db = self._connection()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has rolled back already
                    db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        self._disconnect()
        self._lock.close()

    def _disconnect(self) -> None:
        if self._db is not None:
            db, self._db = self._db, None
            with suppress(sqlite3.Error):
                db.close()

    def _connection(self) -> sqlite3.Connection:
        inode = os.stat(self._path).st_ino
        if inode != self._inode:
            self._disconnect()
        if self._db is None:
            self._db = _connect(self._path, self._lock_timeout_s)
            self._inode = inode
        return self._db

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            self._disconnect()
            raise QueueUnavailable(f"there is no queue file {self._path}: run `sluice migrate`") from error
        except (sqlite3.Error, OSError) as error:
            self._disconnect()
            raise QueueUnavailable(f"the queue file {self._path} can't be used: {error}") from error


def create(path: Path, *, lock_timeout_s: float) -> None:
    """Make the file with its tables, and its folder, where they are missing. Others see the file whole or not at all.

    Raises:
        QueueUnavailable: the folder can't be made or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(FileLock(path)) as lock, lock.held(lock_timeout_s):
            if path.exists():
                return
            unfinished = path.with_name(path.name + ".new")
            # A write-ahead log left over from a deleted file would be replayed into the new one.
            for leftover in (
                unfinished,
                *(p.with_name(p.name + s) for p in (path, unfinished) for s in ("-wal", "-shm")),
            ):
                leftover.unlink(missing_ok=True)
            with closing(sqlite3.connect(unfinished)) as db:
                db.executescript(f"PRAGMA journal_mode = WAL; {SCHEMA} PRAGMA user_version = {VERSION};")
            os.replace(unfinished, path)
            _sync_folder(path.parent)
    except (sqlite3.Error, OSError) as error:
        raise QueueUnavailable(f"the queue file {path} can't be made: {error}") from error


def _connect(path: Path, busy_timeout_s: float) -> sqlite3.Connection:
    db = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw",
        uri=True,
        timeout=busy_timeout_s,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        db.executescript(_PRAGMAS)
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version != VERSION:
            raise sqlite3.DatabaseError(f"its format is version {version}, this program knows version {VERSION}")
    except BaseException:
        db.close()
        raise
    return db


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
