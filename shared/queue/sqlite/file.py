"""The queue file: opening it, one writer at a time, and its errors as the queue's."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from urllib.parse import quote

from shared.folders import sync_folder
from shared.queue.base import QueueUnavailable
from shared.queue.sqlite.file_lock import FileLock
from shared.queue.sqlite.identity import identified
from shared.queue.sqlite.schema import CHANGES, SCHEMA, VERSION

_MODE = 0o600  # records are nobody else's business; SQLite gives its log the mode of the file
_PRAGMAS = """
PRAGMA synchronous = FULL;
PRAGMA secure_delete = OFF;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA journal_size_limit = 67108864;
"""


class NewerFile(QueueUnavailable):
    """A later version of this program has written the file."""


class QueueFile:
    """A connection to the queue file, for one thread at a time. Opened when first used, again after every error.

    1. Write transactions and checkpoints happen one at a time over all processes, under a lock on `<path>.lock`. SQLite
       before 3.51.3 can corrupt a WAL file when two connections write and checkpoint at the same moment (its
       "WAL-reset bug"); and waiting in SQLite's own way sleeps up to 100 ms at a time.
    2. What was committed survives a power cut (`synchronous=FULL`: the WAL is synced before COMMIT returns).
    3. A file that was deleted or replaced is noticed before the next use, and once more after every commit: nothing is
       stored in a file without a name. `id` tells which file the last transaction was on.
    4. The write-ahead log of a file that was replaced is never read into the new one.
    5. Every error of SQLite or of the system is raised as `QueueUnavailable`.
    """

    def __init__(self, path: Path, *, lock_timeout_s: float) -> None:
        self._path = path
        self._lock_timeout_s = lock_timeout_s
        self._lock = FileLock(path)
        self._db: sqlite3.Connection | None = None
        self._inode = 0
        self._log: int | None = None
        """The write-ahead log, held open so that its inode is no other file's."""
        self.id = ""

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One read transaction: sees the state of one commit throughout. To be kept short: it pins the WAL."""
        with self._errors():
            db = self._connection(is_locked=False)
            db.execute("BEGIN")
            try:
                yield db
            finally:
                with suppress(sqlite3.Error):
                    db.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: committed and synced at the end, rolled back when the body raises."""
        with self.alone() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has rolled back already
                    db.execute("ROLLBACK")
                raise
            if os.stat(self._path).st_ino != self._inode:
                raise OSError("it was replaced while it was written to")

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """The connection, while no other process writes. For what SQLite does outside of transactions."""
        with self._errors(), self._lock.held(self._lock_timeout_s):
            yield self._connection(is_locked=True)

    def close(self) -> None:
        self._disconnect()
        self._close_log()
        self._lock.close()

    def _close_log(self) -> None:
        if self._log is not None:
            os.close(self._log)
            self._log = None

    def _disconnect(self) -> None:
        if self._db is not None:
            db, self._db = self._db, None
            with suppress(sqlite3.Error):
                db.close()

    def _connection(self, *, is_locked: bool) -> sqlite3.Connection:
        inode = os.stat(self._path).st_ino
        if self._db is None or inode != self._inode:
            with nullcontext() if is_locked else self._lock.held(self._lock_timeout_s):
                self._connect(inode)
        assert self._db is not None
        return self._db

    def _connect(self, inode: int) -> None:
        """Open the file, the lock being held."""
        lock = Path(f"{self._path}.lock")  # holds the inode that was opened last
        if lock.read_text() != str(inode):
            if inode != self._inode:  # and no other process has opened it: then the log would be its own by now
                self._drop_old_log()
            lock.write_text(str(inode))
        self._disconnect()
        self._close_log()
        self._db, self.id = _open(self._path, self._lock_timeout_s, inode)
        self._inode = inode
        with suppress(FileNotFoundError):
            self._log = os.open(f"{self._path}-wal", os.O_RDONLY | os.O_CLOEXEC)

    def _drop_old_log(self) -> None:
        """The log of the file that was here before would be replayed into the new one."""
        if self._log is None:
            return
        with suppress(FileNotFoundError):
            if os.path.samestat(os.stat(f"{self._path}-wal"), os.fstat(self._log)):
                for end in ("-wal", "-shm"):
                    os.unlink(f"{self._path}{end}")

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
            os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _MODE))
            with closing(sqlite3.connect(unfinished)) as db:
                changes = "".join(f"{statement};" for _, statement in sorted(CHANGES.items()))
                db.executescript(f"PRAGMA journal_mode = WAL; {SCHEMA} {changes} PRAGMA user_version = {VERSION};")
            os.replace(unfinished, path)
            sync_folder(path.parent)
    except (sqlite3.Error, OSError) as error:
        raise QueueUnavailable(f"the queue file {path} can't be made: {error}") from error


def _open(path: Path, busy_timeout_s: float, inode: int) -> tuple[sqlite3.Connection, str]:
    """A connection, and the file's id. An older file is brought up to date."""
    db = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw",
        uri=True,
        timeout=busy_timeout_s,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        db.executescript(_PRAGMAS)
        _update(db, path)
        return db, identified(db, inode)
    except BaseException:
        db.close()
        raise


def _update(db: sqlite3.Connection, path: Path) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > VERSION:  # no damage: nobody may take it for that
        raise NewerFile(
            f"the queue file {path} has format version {version}, this program knows version {VERSION}:"
            " run the newer version of the program again, which has written it"
        )
    if version < 1:
        raise sqlite3.DatabaseError(f"its format is version {version}, this program knows version {VERSION}")
    for number in range(version + 1, VERSION + 1):
        with db:
            db.execute("BEGIN IMMEDIATE")
            db.execute(CHANGES[number])
            db.execute(f"PRAGMA user_version = {number}")
