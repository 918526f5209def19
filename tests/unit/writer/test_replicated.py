"""What is different where tables are replicated (storage.md, "Replicated tables"): generated, not run on replicas."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import pytest
import structlog

from shared.clients.clickhouse import ClickHouse, ServerError
from shared.failpoints import Failpoints
from shared.metrics import Metrics
from shared.migrations.statements import create_statements
from shared.queue.base import Lane
from shared.signals.logs import LOGS
from shared.storage import Storage
from tests.blocks import block_of
from writer.batch import Batch, Key
from writer.delivery import Delivery
from writer.looks import Looks
from writer.row_range import LOOK_SETTINGS, RowRange
from writer.sink import Sink, quorum_of
from writer.waiting import Waiting
from writer.wire.block import Block

REPLICATED = Storage(engine="ReplicatedMergeTree")
UNKNOWN_QUORUM = ServerError(319, "Unknown quorum status. The data was inserted in the local replica, but ...")
NOW_US = 1_790_000_000_000_000


class Server:
    """Notes the statements that are sent to it."""

    database = "sluice"

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any] | None]] = []

    def query(self, sql: str, *_: object, settings: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        self.asked.append((sql, settings))
        return []

    def query_columns(self, sql: str, *given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        self.asked.append((sql, given[-1]))
        return [(1, 2), (3, 4)]


def test_a_replica_takes_over_what_others_have_before_it_is_asked() -> None:
    server = Server()
    looks = Looks("clickhouse://host/sluice", REPLICATED, timeout_s=7.9)
    assert looks.rows(cast(ClickHouse, server), LOGS, "a, b", "1", {}) == [(1, 3), (2, 4)]
    catching_up, look = server.asked
    assert catching_up == ("SYSTEM SYNC REPLICA `sluice`.`logs` LIGHTWEIGHT", {"receive_timeout": 7})
    assert look == ("SELECT a, b FROM `sluice`.`logs` WHERE 1", LOOK_SETTINGS)


def test_a_table_of_one_server_is_only_asked() -> None:
    server = Server()
    Looks("clickhouse://host/sluice", Storage(), timeout_s=7.9).rows(cast(ClickHouse, server), LOGS, "a", "1", {})
    assert len(server.asked) == 1


def test_an_insert_waits_for_most_replicas_unless_told_otherwise() -> None:
    assert quorum_of(Storage(), 60.0) == {}
    assert quorum_of(Storage(engine="ReplicatedMergeTree", quorum="0"), 60.0) == {}
    wanted = {"insert_quorum": "auto", "insert_quorum_parallel": 1, "insert_quorum_timeout": 48_000}
    assert quorum_of(REPLICATED, 60.0) == wanted


@pytest.mark.parametrize(
    ("path", "engine"),
    [
        (REPLICATED.path, "ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/logs_local', '{replica}')"),
        ("/two/{table}_2", "ReplicatedMergeTree('/two/logs_local_2', '{replica}')"),
        ("", "ReplicatedMergeTree\n"),
    ],
)
def test_a_table_has_its_place_in_keeper_of_the_setting_or_of_the_server(path: str, engine: str) -> None:
    storage = Storage(engine="ReplicatedMergeTree", cluster="c", path=path)
    assert f"ENGINE = {engine}" in create_statements(LOGS, "sluice", storage)[0]


class Stored:
    """In place of the sink: the first insert ends unknown, having stored these rows."""

    looks_before_repeating = True

    def __init__(self, after_first: list[Key]) -> None:
        self.rows: list[Key] = []
        self.tokens: list[str] = []
        self._after_first = after_first

    async def insert(
        self, table: object, lane: object, block: Block, token: str, *, ready: Callable[[], Awaitable[None]]
    ) -> None:
        await ready()
        self.tokens.append(token)
        if len(self.tokens) == 1:
            self.rows += self._after_first
            raise UNKNOWN_QUORUM
        self.rows += [key for key in KEYS if key not in self.rows]

    async def keys(self, table: object, rows: RowRange) -> list[Key]:
        return self.rows


def batch() -> Batch:
    usual = {column.name: [column.default] * 2 for column in LOGS.columns}
    own = {"received_at": [NOW_US] * 2, "retention_days": [3650] * 2, "_offset": [0, 1]}
    return Batch(Lane("logs", 0), 0, 1, NOW_US, None, block_of(LOGS, usual | own))


KEYS: list[Key] = [(0, 0, NOW_US), (1, 0, NOW_US)]


async def stored(sink: Stored) -> Metrics:
    metrics = Metrics()
    waiting = Waiting(structlog.get_logger(), metrics, max_s=0.01)

    async def still_ours(_: Batch) -> None:
        await asyncio.sleep(0)

    delivery = Delivery(LOGS, cast(Sink, sink), waiting, metrics, Failpoints(), still_ours, clock=lambda: NOW_US * 1000)
    delivery.trusted = True
    await delivery.store(batch())
    return metrics


async def test_what_landed_although_the_quorum_is_unknown_is_not_sent_again() -> None:
    sink = Stored(KEYS)
    await stored(sink)
    assert len(sink.tokens) == 1


async def test_what_did_not_land_is_sent_again_under_the_same_token() -> None:
    sink = Stored([])
    await stored(sink)
    assert sink.tokens == [batch().token] * 2
    assert sink.rows == KEYS


async def test_rows_that_are_found_twice_are_counted() -> None:
    metrics = await stored(Stored([*KEYS, KEYS[0]]))
    assert (metrics.registry.get_sample_value("sluice_doubled_rows_total", {"table": "logs"}) or 0) >= 1
