"""ClickHouse for the event loop: a few read-only connections, each on its own thread."""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from gateway.rejections import Unavailable
from shared.clients.clickhouse import ClickHouse, ClickHouseError, ServerError, database_of
from shared.clients.clickhouse_pool import ClickHousePool

_log = structlog.get_logger(__name__)

MAX_RESULT_BYTES = 64_000_000
"""A larger result is refused: the answer would be in memory several times over."""

_MAX_MEMORY_BYTES = 2_000_000_000
_MAX_QUERY_BYTES = 8_000_000
"""Room for a URL's texts, which the statement repeats and escapes. The server's default is 262,144."""

_TOO_MANY_BYTES = 396
_WAITING_PER_CONNECTION = 16
_GRACE_S = 1.0

Rows = list[tuple[Any, ...]]


class TooBig(Exception):
    """The result is over `MAX_RESULT_BYTES`; ask for less."""


class Reader:
    """Answers SELECTs.

    1. Every query ends within about twice `timeout_s`, with rows, `TooBig` or `Unavailable`; the server gives up after
       `timeout_s`.
    2. It changes nothing: every statement is sent as read-only, whatever rights the user has.
    3. At most `connections` queries run, and 16 times as many wait; any more are `Unavailable` at once.
    """

    def __init__(self, url: str, *, timeout_s: float = 10.0, connections: int = 4) -> None:
        self.database = database_of(url)
        self._timeout_s = timeout_s
        settings = {
            "readonly": 2,
            "max_execution_time": timeout_s,
            "max_memory_usage": _MAX_MEMORY_BYTES,
            "max_query_size": _MAX_QUERY_BYTES,
            "max_result_bytes": MAX_RESULT_BYTES,
            "result_overflow_mode": "throw",
        }
        within = {"timeout_s": timeout_s + _GRACE_S, "connect_timeout_s": 2.0}
        self._pool = ClickHousePool(connections, lambda: ClickHouse(url, settings=settings, **within))
        self._most = connections * (1 + _WAITING_PER_CONNECTION)
        self._asked = 0

    async def query(self, sql: str, parameters: Mapping[str, Any]) -> Rows:
        """Rows of a SELECT. Values go in as `%(name)s` parameters only. Raises `TooBig`, `Unavailable`."""
        if self._asked >= self._most:
            raise Unavailable("too many queries are waiting")
        self._asked += 1
        try:
            async with asyncio.timeout(2 * (self._timeout_s + _GRACE_S)):
                return await self._pool.run(lambda clickhouse: clickhouse.query(sql, parameters))
        except ServerError as error:
            if error.code == _TOO_MANY_BYTES:
                raise TooBig from error
            _log.error("query failed", code=error.code, error=error.text[:500])
            raise Unavailable from error
        except (ClickHouseError, TimeoutError) as error:
            _log.warning("ClickHouse is away", error=str(error))
            raise Unavailable from error
        finally:
            self._asked -= 1

    async def ping(self) -> None:
        """Raise `Unavailable` unless it answers now."""
        await self.query("SELECT 1", {})

    async def close(self) -> None:
        """Wait for the running queries, which the server ends in time, then close the connections."""
        await asyncio.to_thread(self._pool.close)
