"""PostgreSQL: the only file that knows psycopg.

`Postgres` answers single questions on an event loop for as long as the process lives; `connect` and `locked` are for
commands that come and go.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg import sql
from psycopg.abc import Buffer
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.datetime import TimestamptzLoader

from shared.clients.errors import told
from shared.secret import AnyUrl, text_of

Connection = psycopg.Connection[tuple[Any, ...]]
AsyncConnection = psycopg.AsyncConnection[tuple[Any, ...]]
Parameters = Sequence[Any] | Mapping[str, Any]

T = TypeVar("T")

CHANGE_WITHIN_S = 10.0
"""How long a change may take, seconds: it may wait for another one's locks."""

_CONNECT_TIMEOUT_S = 5
_LOCK_CLASS = 0x51C1CE
"""First half of our advisory locks' numbers, so that they don't meet another program's."""


class PostgresUnavailable(Exception):
    """Postgres could not be asked: away, too slow, or not set up (`sluice migrate`)."""


class QueryRefused(Exception):
    """Postgres answered, and refused a command's statement: not migrated, no right to, a rule broken."""


class LockHeld(Exception):
    """Another session has held the advisory lock for longer than the wait."""


class Postgres:
    """Answers read-only statements, over a few connections that are made when needed and again when broken.

    1. Every question ends within `timeout_s`, also when the server hangs, with rows or `PostgresUnavailable`.
    2. A statement may be sent twice (a kept connection turns out to be broken): it must not change anything.
    3. What changes something (`change`) has a connection and a transaction of its own, and is never sent twice.
    4. When the URL's file has changed, the next question has another connection.
    """

    def __init__(self, url: AnyUrl, *, timeout_s: float = 2.0, connections: int = 4) -> None:
        self._url = url
        self._text = ""
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(connections)
        self._idle: list[AsyncConnection] = []
        self._running: set[asyncio.Task[Any]] = set()

    async def query(self, statement: LiteralString, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """Rows of a statement. Raises `PostgresUnavailable`."""
        return await self._within(self._query(statement, parameters), self._timeout_s)

    async def change(self, work: Callable[[AsyncConnection], Awaitable[T]], within_s: float = CHANGE_WITHIN_S) -> T:
        """Run statements in one transaction: committed when `work` returns, rolled back when it raises.

        Raises what `work` raises, and `PostgresUnavailable`: if the connection broke during the commit, the change may
        have been made all the same.
        """
        return await self._within(self._changed(work), within_s)

    async def _within(self, answer: Coroutine[Any, Any, T], timeout_s: float) -> T:
        # psycopg answers a cancellation by asking the server to cancel, which a hanging server doesn't: the wait is
        # ended out here, and the task is left to end by itself, holding its slot as long.
        task = asyncio.create_task(answer)
        self._running.add(task)
        task.add_done_callback(self._ended)
        done, _ = await asyncio.wait({task}, timeout=timeout_s)
        if not done:
            task.cancel()
            raise PostgresUnavailable(f"no answer within {timeout_s} s")
        try:
            return task.result()
        except psycopg.Error as error:
            raise PostgresUnavailable(f"{type(error).__name__}: {error}") from error

    async def ping(self) -> None:
        """Raise `PostgresUnavailable` unless it answers now."""
        await self.query("SELECT 1")

    async def close(self) -> None:
        for task in list(self._running):
            task.cancel()
        await self._close_idle()

    async def _query(self, statement: LiteralString, parameters: Parameters) -> list[tuple[Any, ...]]:
        async with self._slots:
            if (text := text_of(self._url)) != self._text:
                await self._close_idle()
                self._text = text
            if self._idle:
                try:
                    return await self._ask(self._idle.pop(), text, statement, parameters)
                except psycopg.OperationalError:
                    await self._close_idle()  # they were made before the same restart
            connection = await _connected(text, autocommit=True, prepare_threshold=None)
            return await self._ask(connection, text, statement, parameters)

    async def _changed(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        async with await _connected(self._url, prepare_threshold=None) as connection:
            return await work(connection)

    async def _ask(
        self, connection: AsyncConnection, made_with: str, statement: LiteralString, parameters: Parameters
    ) -> list[tuple[Any, ...]]:
        try:
            rows = await (await connection.execute(statement, parameters)).fetchall()
        except BaseException:
            await connection.close()
            raise
        if made_with == self._text:
            self._idle.append(connection)
        else:
            await connection.close()
        return rows

    async def _close_idle(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved, even if the caller has left


class _AnyTime(TimestamptzLoader):
    """What Python has no time for (`infinity`, a year after 9999 or before 1) is its last or its first one."""

    def load(self, data: Buffer) -> datetime:
        try:
            return super().load(data)
        except psycopg.DataError:
            text = bytes(data)
            moment = datetime.min if text.startswith(b"-") or text.endswith(b"BC") else datetime.max
            return moment.replace(tzinfo=UTC)


@contextmanager
def connect(url: AnyUrl) -> Iterator[Connection]:
    """One connection and one transaction: committed at the end, rolled back when an exception leaves the block.

    Raises `PostgresUnavailable` when no connection can be made or it breaks, `QueryRefused` for a statement.
    """
    try:
        connection = psycopg.connect(text_of(url), connect_timeout=_CONNECT_TIMEOUT_S)
    except psycopg.Error as error:
        raise PostgresUnavailable(_why(error)) from None
    connection.adapters.register_loader("timestamptz", _AnyTime)
    with refusals(), connection:
        yield connection


@contextmanager
def refusals() -> Iterator[None]:
    """Has what goes wrong with a statement raised as `PostgresUnavailable` or `QueryRefused`."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise PostgresUnavailable(f"{type(error).__name__}: {error}") from error
    except psycopg.Error as error:
        raise QueryRefused(f"{type(error).__name__}: {error}") from error


@asynccontextmanager
async def locked(url: AnyUrl, name: str, *, wait_s: float) -> AsyncIterator[AsyncConnection]:
    """Hold the advisory lock of this name (any text) while the block runs; gives a connection in autocommit mode.

    The lock is the session's: it ends with the connection, also when the process is killed. A caller that does much
    under it asks `check_held` now and then.

    Raises:
        LockHeld: another session still has it after `wait_s` seconds.
        PostgresUnavailable: no connection can be made, or it broke: the lock is lost.
    """
    async with await _connected(url, autocommit=True) as connection:
        try:
            await _lock(connection, name, wait_s)
        except psycopg.errors.LockNotAvailable as error:
            raise LockHeld(f"another process has held the lock {name!r} for over {wait_s:.0f} s") from error
        except psycopg.Error as error:
            raise PostgresUnavailable(f"{type(error).__name__}: {error}") from error
        yield connection


async def _lock(connection: AsyncConnection, name: str, wait_s: float) -> None:
    await connection.execute("SELECT set_config('lock_timeout', %s, false)", [f"{max(1, round(wait_s * 1000))}ms"])
    await connection.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [_LOCK_CLASS, name])
    await connection.execute("SET lock_timeout = DEFAULT")


async def check_held(connection: AsyncConnection) -> None:
    """Raise `PostgresUnavailable` unless the session of a lock is alive, and so the lock is still held."""
    try:
        await connection.execute("SELECT 1")
    except psycopg.Error as error:
        raise PostgresUnavailable(f"the lock is lost: {type(error).__name__}: {error}") from error


async def create_database(url: AnyUrl) -> bool:
    """Create the database that a URL names, unless it is there. Returns whether it was made.

    Raises `PostgresUnavailable`, saying why, when it can neither be reached nor made.
    """
    text = text_of(url)
    try:
        name = str(conninfo_to_dict(text).get("dbname") or "postgres")
    except psycopg.Error as error:
        raise PostgresUnavailable(_why(error)) from None
    try:
        async with await _connected(text):
            return False
    except PostgresUnavailable as error:
        refused = error
    # While connecting libpq tells a missing database from a wrong password by its message only: ask another database.
    try:
        async with await _connected(make_conninfo(text, dbname="postgres"), autocommit=True) as connection:
            found = await connection.execute("SELECT FROM pg_database WHERE datname = %s", [name])
            if found.rowcount:
                raise refused
            await connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
        return False  # another process made it first
    except psycopg.Error as error:
        raise PostgresUnavailable(f"database {name} can neither be reached nor made: {error}") from error
    return True


async def _connected(url: AnyUrl, **options: Any) -> AsyncConnection:
    """Raises `PostgresUnavailable`."""
    try:
        return await psycopg.AsyncConnection.connect(text_of(url), connect_timeout=_CONNECT_TIMEOUT_S, **options)
    except psycopg.Error as error:
        raise PostgresUnavailable(_why(error)) from None


def _why(error: psycopg.Error) -> str:
    """Why no connection can be made."""
    if isinstance(error, psycopg.ProgrammingError):  # libpq repeats a URL that it can't read, and what is in it
        return "SLUICE_POSTGRES_URL is none that PostgreSQL's clients can read"
    return told(error, "sslrootcert= in SLUICE_POSTGRES_URL")
