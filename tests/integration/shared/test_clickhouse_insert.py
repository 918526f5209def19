"""Encoded columns arrive as they were meant: plain, compressed, over TLS, and through a table over two shards."""

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme

from deploy.local.clickhouse import ADMIN
from deploy.local.clickhouse import ClickHouse as Server
from deploy.local.engine import Unavailable
from deploy.local.ports import HOST, free_port
from shared.clients.clickhouse import ClickHouse, OtherTypes, ServerError
from shared.migrations.statements import create_statements
from shared.settings import Storage
from shared.signals.base import TIME, Column, Table
from tests.blocks import block_of, values_of
from writer.row_range import KEY
from writer.sink import INSERT_SETTINGS
from writer.wire.block import Block

LOW = "LowCardinality(String)"
TABLE = Table(
    name="things",
    own_columns=(
        Column("text", "String", "", limit=20_000),
        Column("low", LOW, ""),
        Column("small", "UInt8", ""),
        Column("large", "UInt64", ""),
        Column("real", "Float64", ""),
        Column("moment", TIME, ""),
    ),
)
NOW_US = 1_790_000_000_000_000
ODD = ["", "a", "\ufffd", "é", "x" * 127, "x" * 128, "x" * 16_383, "x" * 16_384, "é" * 9_000, "\u2028😀"]


def rows(n: int, different: int) -> Block:
    """Rows over several partitions of the queue, with so many different values in the low column."""
    return block_of(
        TABLE,
        {
            "project_id": ["p"] * n,
            "received_at": [NOW_US + row for row in range(n)],
            "retention_days": [3650] * n,
            "_topic": ["things"] * n,
            "_partition": [row % 7 for row in range(n)],
            "_offset": [*range(n)],
            "text": [ODD[row % len(ODD)] for row in range(n)],
            "low": [f"é{row % different}" for row in range(n)],
            "small": [row % 256 for row in range(n)],
            "large": [2**64 - 1 - row for row in range(n)],
            "real": [row / 7 for row in range(n)],
            "moment": [-2_208_988_800_000_000 + row for row in range(n)],
        },
    )


def stored(connection: ClickHouse, table: str, block: Block) -> dict[str, list[Any]]:
    names = [
        f"toUnixTimestamp64Micro({name})" if column.type == TIME else name for name, column in block.columns.items()
    ]
    found = connection.query_columns(f"SELECT {', '.join(names)} FROM {table} ORDER BY _offset")
    return dict(zip(block.columns, map(list, found), strict=True))


@pytest.fixture
def things(clickhouse_url: str) -> Iterator[str]:
    """The address of a database with the table."""
    name = f"test_{secrets.token_hex(6)}"
    with closing(ClickHouse(clickhouse_url)) as admin:
        admin.query(f"CREATE DATABASE {name}")
        for statement in create_statements(TABLE, name, Storage()):
            admin.query(statement)
        yield urlsplit(clickhouse_url)._replace(path=f"/{name}").geturl()
        admin.query(f"DROP DATABASE {name} SYNC")


SIZES = [(1, 1), (1_000, 255), (1_000, 256), (1_000, 257)]
"""Rows, different texts."""


@pytest.mark.parametrize(
    ("query", "n", "different"),
    [
        *((query, *size) for query in ("", "compression=lz4", "compression=zstd") for size in SIZES),
        ("", 70_000, 65_536),
        ("compression=lz4", 10_000, 300),  # several blocks of what is compressed
        ("compression=zstd", 10_000, 300),
    ],
)
def test_what_is_read_back_is_what_was_encoded(things: str, query: str, n: int, different: int) -> None:
    if query:
        pytest.importorskip("clickhouse_cityhash", reason="needs clickhouse-driver[lz4,zstd]")
    block = rows(n, different)
    with closing(ClickHouse(urlsplit(things)._replace(query=query).geturl())) as connection:
        for _ in range(2):  # the second one is known by its token
            connection.insert("things", block.columns, {**INSERT_SETTINGS, "insert_deduplication_token": "t"})
        assert stored(connection, "things", block) == values_of(block)


def test_text_that_is_str_and_bytes_in_a_low_column_is_one_value(things: str) -> None:
    block = block_of(
        TABLE,
        {"_offset": [1, 2, 3], "low": ["a", b"a", "b"], "retention_days": [3650] * 3, "received_at": [NOW_US] * 3},
    )
    with closing(ClickHouse(things)) as connection:
        connection.insert("things", block.columns)
        assert connection.query("SELECT low, count() FROM things GROUP BY low ORDER BY low") == [("a", 2), ("b", 1)]


def test_other_types_are_refused_before_a_byte_is_sent_and_the_connection_works_on(things: str) -> None:
    block = rows(5, 2)
    with closing(ClickHouse(things)) as connection:
        connection.query("ALTER TABLE things MODIFY COLUMN low String")
        with pytest.raises(OtherTypes, match="low"):
            connection.insert("things", block.columns)
        assert connection.query("SELECT count() FROM things") == [(0,)]
        connection.query(f"ALTER TABLE things MODIFY COLUMN low {LOW}")
        connection.insert("things", block.columns)
        assert connection.query("SELECT count() FROM things") == [(5,)]


def test_what_the_server_refuses_is_its_error_and_the_connection_works_on(things: str) -> None:
    block = rows(5, 2)
    with closing(ClickHouse(things)) as connection:
        connection.query("ALTER TABLE things ADD CONSTRAINT none CHECK small > 100")
        with pytest.raises(ServerError) as refused:
            connection.insert("things", block.columns)
        assert refused.value.code == 469
        connection.query("ALTER TABLE things DROP CONSTRAINT none")
        connection.insert("things", block.columns)
        assert stored(connection, "things", block) == values_of(block)


@contextmanager
def server(folder: Path, **options: Any) -> Iterator[Server]:
    folder.mkdir()
    try:
        with Server(folder, **options) as running:
            yield running
    except Unavailable as error:
        pytest.skip(str(error))


@asynccontextmanager
async def tls_in_front_of(url: str, folder: Path) -> AsyncIterator[str]:
    """An address with TLS for a server without it: the engine of the wheel listens on plain ports only."""
    authority, context, server = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), urlsplit(url)
    authority.issue_cert(HOST).configure_cert(context)
    authority.cert_pem.write_to_path(folder / "ca.pem")

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = await asyncio.open_connection(server.hostname, server.port)
        await asyncio.gather(pump(reader, here), pump(there, writer), return_exceptions=True)

    async with await asyncio.start_server(forward, HOST, 0, ssl=context) as listener:
        host = f"{server.username}:{server.password}@{HOST}:{listener.sockets[0].getsockname()[1]}"
        yield server._replace(scheme="clickhouses", netloc=host, query=f"ca_certs={folder}/ca.pem").geturl()


async def test_an_insert_over_tls(things: str, tmp_path: Path) -> None:
    block = rows(10_000, 300)

    def insert(url: str) -> None:
        with closing(ClickHouse(url)) as connection:
            connection.insert("things", block.columns)
            assert stored(connection, "things", block) == values_of(block)

    async with tls_in_front_of(things, tmp_path) as url:
        await asyncio.to_thread(insert, url)


def test_an_insert_into_a_table_over_two_shards_is_spread_and_deduplicated(tmp_path: Path) -> None:
    ports, block = (free_port(None), free_port(None)), rows(1_000, 300)
    shards = "".join(
        f"<shard><internal_replication>true</internal_replication><replica><host>{HOST}</host><port>{port}</port>"
        f"<user>{ADMIN}</user></replica></shard>"
        for port in ports
    )
    extra = f"<remote_servers><two>{shards}</two></remote_servers>"
    local, over = (
        statement.replace(" ON CLUSTER 'two'", "")
        for statement in create_statements(TABLE, "sluice", Storage(cluster="two"))
    )
    with (
        server(tmp_path / "a", port=ports[0], extra_config=extra) as first,
        server(tmp_path / "b", port=ports[1], extra_config=extra) as second,
        closing(ClickHouse(first.url)) as one,
        closing(ClickHouse(second.url)) as other,
    ):
        for connection in (one, other):
            connection.query(local)
        one.query(over)
        for _ in range(2):
            one.insert("things", block.columns, {**INSERT_SETTINGS, "insert_deduplication_token": "t"})
        assert stored(one, "things", block) == values_of(block)
        here, there = (set(connection.query(f"SELECT {KEY} FROM things_local")) for connection in (one, other))
        assert here
        assert there
        assert not here & there
        assert len(here | there) == block.rows
