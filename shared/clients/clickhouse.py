"""ClickHouse over its native protocol: the only file that knows clickhouse-driver.

The driver is synchronous: one `ClickHouse` belongs to one thread at a time.
"""

import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Protocol
from urllib.parse import urlsplit

from clickhouse_driver import Client, defines
from clickhouse_driver import errors as driver_errors
from clickhouse_driver.block import BlockInfo, ColumnOrientedBlock
from clickhouse_driver.protocol import ClientPacketTypes
from clickhouse_driver.varint import write_varint
from clickhouse_driver.writer import write_binary_str, write_binary_uint8

from shared.clients.errors import ClickHouseError as ClickHouseError
from shared.clients.errors import OtherTypes as OtherTypes
from shared.clients.errors import ServerError as ServerError
from shared.clients.errors import Unreachable as Unreachable
from shared.clients.errors import told
from shared.secret import AnyUrl, text_of


class EncodedColumn(Protocol):
    """The values of one column as the native protocol has them."""

    type: str
    """As ClickHouse spells it."""

    def __len__(self) -> int: ...

    def wire(self) -> Iterable[Any]:
        """Its bytes, in parts."""


class _Client(Client):  # type: ignore[misc]  # the driver has no types
    """The driver's client, but what it inserts is encoded already: `send_data` writes the parts as they are.

    All else is the driver's own: the handshake, settings, compression and TLS, exceptions.
    """

    def send_data(
        self,
        sample_block: ColumnOrientedBlock,
        data: Sequence[EncodedColumn],
        types_check: bool = False,
        columnar: bool = False,
    ) -> int:
        """Send one block, and an empty one that ends the data. `sample_block` names the columns and their types as the
        server wants them."""
        wanted, ours = [type for _, type in sample_block.columns_with_types], [column.type for column in data]
        if wanted != ours:
            raise OtherTypes(f"the table has the columns {sample_block.columns_with_types}, the rows are of {ours}")
        connection, rows = self.connection, len(data[0])
        write_varint(ClientPacketTypes.DATA, connection.fout)
        write_binary_str("", connection.fout)  # the name of a temporary table
        out = connection.block_out.fout  # the compressing one, if the block is to be compressed
        BlockInfo().write(out)
        write_varint(len(data), out)
        write_varint(rows, out)
        revision = connection.server_info.used_revision
        for (name, type), column in zip(sample_block.columns_with_types, data, strict=True):
            write_binary_str(name, out)
            write_binary_str(type, out)
            if revision >= defines.DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION:
                write_binary_uint8(0, out)  # none
            out.write(b"".join(column.wire()))
        connection.block_out.finalize()
        self.receive_profile_events()
        connection.send_data(ColumnOrientedBlock())
        self.receive_profile_events()
        return rows


class ClickHouse:
    """One connection, made at the first use and again after it broke.

    `url` is clickhouse://user:password@host:port/database (`clickhouses` for TLS; `?compression=lz4` pays across a
    network, not on one machine). When its file has changed, the next statement has another connection.
    `timeout_s` bounds every wait for the server, `settings` go with every statement.
    """

    def __init__(
        self,
        url: AnyUrl,
        *,
        timeout_s: float = 60.0,
        connect_timeout_s: float = 5.0,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.database = database_of(url)
        self._url = url
        self._timeouts_s = (timeout_s, connect_timeout_s)
        self._settings = dict(settings or {})
        self._connect_to(text_of(url))

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

    def stream(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Iterator[tuple[Any, ...]]:
        """Rows of a statement, block after block, so that they are never all in memory. Raises `ClickHouseError`; when
        the caller stops before the end, the connection is closed."""
        ended = False
        try:
            with self._renewed() as client:
                yield from client.execute_iter(sql, parameters, settings=self._settings)
            ended = True
        finally:
            if not ended:
                self._client.disconnect()

    def insert(
        self, table: str, columns: Mapping[str, EncodedColumn], settings: Mapping[str, Any] | None = None
    ) -> None:
        """Insert columns of equal length, at least one row, as one block.

        `table` is `database.table`. Columns that are left out get their default. The columns are not changed, the same
        ones may be tried again.

        Raises:
            OtherTypes: a column's type isn't the table's; nothing was sent.
            ServerError: the server refuses.
            Unreachable: anything else; something of it may have been stored.
        """
        names = ", ".join(f"`{name}`" for name in columns)
        sql = f"INSERT INTO {table} ({names}) VALUES"
        try:
            self._execute(sql, list(columns.values()), settings, columnar=True)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # The driver itself fails on garbage from a dying connection.
            raise Unreachable(f"the driver failed: {type(error).__name__}: {error}") from error

    def abort(self) -> None:
        """From another thread: break the connection, so that a call that waits for the server ends `Unreachable`."""
        with suppress(OSError, AttributeError):  # it may be closing at this moment
            self._client.connection.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._client.disconnect()

    def _execute(self, sql: str, data: Any, settings: Mapping[str, Any] | None, columnar: bool = False) -> Any:
        merged = {**self._settings, **(settings or {})}
        with self._renewed() as client:
            return client.execute(sql, data, settings=merged, columnar=columnar)

    def _renewed(self) -> AbstractContextManager[_Client]:
        """The client, another one if the URL has changed, for a `with` that translates its errors."""
        if (text := text_of(self._url)) != self._text:
            self._client.disconnect()
            self._connect_to(text)
        return _translated(self._client)

    def _connect_to(self, text: str) -> None:
        self._text = text
        self._client = _Client.from_url(text)
        connection = self._client.connection
        connection.send_receive_timeout, connection.connect_timeout = self._timeouts_s


@contextmanager
def _translated(client: _Client) -> Iterator[_Client]:
    """The driver's errors become ours."""
    try:
        yield client
    except driver_errors.ServerException as error:
        raise ServerError(error.code, str(error.message).partition("Stack trace:")[0].strip()) from error
    except (driver_errors.Error, OSError, EOFError) as error:
        client.disconnect()
        raise Unreachable(told(error, "ca_certs= in SLUICE_CLICKHOUSE_URL")) from error


def database_of(url: AnyUrl) -> str:
    """The database that a URL names; `default` where it names none."""
    return urlsplit(text_of(url)).path.lstrip("/") or "default"
