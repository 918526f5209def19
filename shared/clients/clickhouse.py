"""ClickHouse over its native protocol: the only file that knows clickhouse-driver.

The driver is synchronous: one `ClickHouse` belongs to one thread at a time.
"""

import socket
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from clickhouse_driver import Client
from clickhouse_driver import errors as driver_errors


class ClickHouseError(Exception):
    """Anything that went wrong with ClickHouse."""


class Unreachable(ClickHouseError):
    """The connection failed, broke or timed out. What was sent may or may not have been done."""


class ServerError(ClickHouseError):
    """The server answered with an error. `code` is ClickHouse's own number of it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"ClickHouse error {code}: {text}")
        self.code = code
        self.text = text


class ClickHouse:
    """One connection, made at the first use and again after it broke.

    `url` is clickhouse://user:password@host:port/database (`clickhouses` for TLS; `?compression=lz4` pays across a
    network, not on one machine); `timeout_s` bounds every wait for the server, `settings` go with every statement.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 60.0,
        connect_timeout_s: float = 5.0,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.database = database_of(url)
        self._client = Client.from_url(url)
        connection = self._client.connection
        connection.send_receive_timeout = timeout_s
        connection.connect_timeout = connect_timeout_s
        self._settings = dict(settings or {})

    def query(
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """Rows of a statement. Values go in as `%(name)s` parameters only. Raises `ClickHouseError`."""
        rows: list[tuple[Any, ...]] = self._execute(sql, parameters or None, settings)
        return rows

    def query_columns(
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """The same, one tuple a column; no tuples at all for no rows. Much faster for many rows."""
        columns: list[tuple[Any, ...]] = self._execute(sql, parameters or None, settings, columnar=True)
        return columns

    def insert(
        self, table: str, columns: Mapping[str, Sequence[Any]], settings: Mapping[str, Any] | None = None
    ) -> None:
        """Insert columns of equal length as one block (fewer rows than the driver's `insert_block_size`, 1,048,576).

        `table` is `database.table`. Text may be str or bytes, times are ints scaled to the column's precision. Columns
        that are left out get their default. The columns are not changed, the same ones may be tried again.

        Raises:
            ServerError: the server refuses.
            Unreachable: anything else; something of it may have been stored.
        """
        names = ", ".join(f"`{name}`" for name in columns)
        sql = f"INSERT INTO {table} ({names}) VALUES"
        try:
            self._execute(sql, list(columns.values()), settings, columnar=True)
        except (AttributeError, LookupError, TypeError, ValueError, struct.error) as error:
            # The driver itself fails on odd values, and on garbage from a dying connection.
            raise Unreachable(f"the driver failed: {type(error).__name__}: {error}") from error

    def abort(self) -> None:
        """From another thread: break the connection, so that a call that waits for the server ends `Unreachable`."""
        with suppress(OSError, AttributeError):  # it may be closing at this moment
            self._client.connection.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._client.disconnect()

    def _execute(self, sql: str, data: Any, settings: Mapping[str, Any] | None, columnar: bool = False) -> Any:
        merged = {**self._settings, **(settings or {})}
        try:
            return self._client.execute(sql, data, settings=merged, columnar=columnar)
        except driver_errors.ServerException as error:
            raise ServerError(error.code, str(error.message).partition("Stack trace:")[0].strip()) from error
        except (driver_errors.Error, OSError, EOFError) as error:
            self._client.disconnect()
            raise Unreachable(f"{type(error).__name__}: {error}") from error


def database_of(url: str) -> str:
    """The database that a URL names; `default` where it names none."""
    return urlsplit(url).path.lstrip("/") or "default"
