"""ClickHouse for the event loop: a few read-only connections, each on its own thread."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import structlog

from gateway.query.partial import missing_so_far
from gateway.query.recent import Recent
from gateway.query.shards import Shards
from gateway.rejections import Unavailable
from gateway.turns import Turns
from shared.clients.clickhouse import ClickHouse, ClickHouseError, ServerError, database_of
from shared.clients.clickhouse_pool import Call, ClickHousePool
from shared.secret import AnyUrl

_log = structlog.get_logger(__name__)

MAX_RESULT_BYTES = 64_000_000
"""A larger result is refused: the answer would be in memory several times over."""

_MAX_MEMORY_BYTES = 2_000_000_000
_MAX_QUERY_BYTES = 8_000_000
"""Room for a URL's texts, which the statement repeats and escapes. The server's default is 262,144."""

_NICE = 10
"""Of the threads that answer, so that readers take less of a full machine from ingest (performance.md, "Reading").
A server that may not change it leaves it as it is."""

_TOO_MANY_BYTES, _OUT_OF_MEMORY, _TIMED_OUT = 396, 241, 159
_WAITING_PER_CONNECTION = 16
_GRACE_S = 1.0
_ABORT_AGAIN_S = 0.2

Rows = list[tuple[Any, ...]]
T = TypeVar("T")

LOOKS_INTO_TEXT: Mapping[str, Any] = {"use_top_k_dynamic_filtering": 0}
"""Settings of a query that filters by text or attributes: the server would put its own filter before ours
(performance.md, "use_top_k_dynamic_filtering"). A server that doesn't know a setting ignores it."""


class TooBig(Exception):
    """The result is over `MAX_RESULT_BYTES`; ask for less."""


class Cramped(Unavailable):
    """The server had too little memory for the query, or for all queries; asking for less may help."""


class TooSlow(Unavailable):
    """The server gave up after `timeout_s`; asking for less, or later, may help."""


class Reader:
    """Answers SELECTs.

    1. Every query ends within about twice `timeout_s`, with rows, `TooBig` or `Unavailable`; the server gives up after
       `timeout_s`, and at once when the caller is cancelled.
    2. It changes nothing: every statement is sent as read-only, whatever rights the user has.
    3. At most `connections` queries run, of one project half of them, and 16 times as many wait, the projects in
       rotation; any more are `Unavailable` at once (`Turns`).
    4. `recent` remembers what was asked a moment ago, of what may be as old as that.
    5. `ping` has a connection of its own: it tells whether ClickHouse answers, not how much it is asked.
    6. Rows lack those of a shard that is away only if `partial_over` names its cluster and the request may be answered
       so (`may_be_partial`).
    """

    def __init__(self, url: AnyUrl, *, timeout_s: float = 10.0, connections: int = 4, partial_over: str = "") -> None:
        self.database = database_of(url)
        self._shards = Shards(partial_over)
        self.recent = Recent()
        self._timeout_s = timeout_s
        settings = {
            "readonly": 2,
            "max_execution_time": timeout_s,
            "max_memory_usage": _MAX_MEMORY_BYTES,
            "max_query_size": _MAX_QUERY_BYTES,
            "max_result_bytes": MAX_RESULT_BYTES,
            "result_overflow_mode": "throw",
            "os_threads_nice_value_query": _NICE,
        }
        within = {"timeout_s": timeout_s + _GRACE_S, "connect_timeout_s": 2.0}
        self._pool = ClickHousePool(connections, lambda: ClickHouse(url, settings=settings, **within))
        self._pings = ClickHousePool(1, lambda: ClickHouse(url, settings=settings, **within), name="clickhouse-ping")
        self._turns = Turns(connections, connections * _WAITING_PER_CONNECTION)
        self._ping: asyncio.Future[Any] | None = None
        self._aborting: set[asyncio.Task[None]] = set()

    async def query(self, sql: str, parameters: Mapping[str, Any], **more: Any) -> Rows:
        """Rows of a SELECT. Takes what `read` takes, and raises the same."""
        return await self.read(list, sql, parameters, **more)

    async def read(
        self,
        make: Callable[[Rows], T],
        sql: str,
        parameters: Mapping[str, Any],
        *,
        project_id: str = "",
        settings: Mapping[str, Any] | None = None,
    ) -> T:
        """What `make` makes of the rows of a SELECT, on the query's own thread: it must not hold the interpreter for
        more than a few milliseconds in one call of C. Values go in as `%(name)s` parameters only.

        `project_id`: whose turn it takes. Raises `TooBig`, `Unavailable`, of that `Cramped` and `TooSlow`.
        """
        ask, missing = self._shards.query, missing_so_far()
        try:
            async with asyncio.timeout(2 * (self._timeout_s + _GRACE_S)):
                await self._turns.take(project_id)
                call = self._pool.begin(lambda clickhouse: make(ask(clickhouse, sql, parameters, settings, missing)))
                call.future.add_done_callback(lambda _: self._turns.give_back(project_id))
                return await self._answer(call)
        except ServerError as error:
            if error.code == _TOO_MANY_BYTES:
                raise TooBig from error
            if error.code == _OUT_OF_MEMORY:
                raise Cramped from error
            _log.error("query failed", code=error.code, error=error.text[:500])
            if error.code == _TIMED_OUT:
                raise TooSlow from error
            raise Unavailable from error
        except (ClickHouseError, TimeoutError) as error:
            _log.warning("ClickHouse is away", error=str(error))
            raise Unavailable from error

    async def ping(self) -> None:
        """Raise `Unavailable` unless it answers now. One question at a time is asked, however many want to know."""
        if self._ping is None or self._ping.done():
            self._ping = self._pings.run(lambda clickhouse: clickhouse.query("SELECT 1"))
        try:
            await asyncio.shield(self._ping)
        except ClickHouseError as error:
            raise Unavailable from error

    async def close(self) -> None:
        """Wait for the running queries, which the server ends in time, then close the connections."""
        self._pings.abort()
        await asyncio.to_thread(self._pool.close)
        await asyncio.to_thread(self._pings.close)

    async def _answer(self, call: Call[T]) -> T:
        try:
            return await asyncio.shield(call.future)
        except asyncio.CancelledError:  # nobody waits for it any more: the time is over, or the client has left
            task = asyncio.create_task(_abort(call))
            self._aborting.add(task)
            task.add_done_callback(self._aborting.discard)
            raise
        finally:
            del call  # no circle with its exception (performance.md, "The garbage collector")


async def _abort(call: Call[Any]) -> None:
    """Until it has ended: what is only connecting can't be aborted yet."""
    while not call.future.done():
        call.abort()
        await asyncio.wait({call.future}, timeout=_ABORT_AGAIN_S)
