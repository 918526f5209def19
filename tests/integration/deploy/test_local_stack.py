"""The stack without Docker (operating.md, "The stack without Docker"): every engine starts, answers, and has its data
again after kill -9."""

import shutil
import socket
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import redis
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from clickhouse_driver import Client
from clickhouse_driver import errors as driver_errors
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.local.clickhouse import ClickHouse
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.valkey import Valkey


def rows(url: str, sql: str) -> Any:
    client = Client.from_url(url)
    try:
        return client.execute(sql)
    finally:
        client.disconnect()


def test_clickhouse_keeps_rows_and_tokens_over_kill_9(own_clickhouse: Callable[..., ClickHouse]) -> None:
    server = own_clickhouse(password="secret")
    table = "CREATE TABLE t (n UInt8) ENGINE MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 100"
    insert = "INSERT INTO t SETTINGS insert_deduplication_token = 'a', async_insert = 0 SELECT 1"
    rows(server.url, table)
    rows(server.url, insert)
    server.kill()
    server.start()
    rows(server.url, insert)
    assert rows(server.url, "SELECT n FROM t") == [(1,)]
    server.stop()
    server.start()
    assert rows(server.url, "SELECT n FROM t") == [(1,)]


def test_clickhouse_lets_nobody_in_without_a_password(own_clickhouse: Callable[..., ClickHouse]) -> None:
    server = own_clickhouse(password="secret")
    for user in ("default", "sluice", "sluice_reader", "sluice:wrong"):
        with pytest.raises(driver_errors.ServerException):
            rows(f"clickhouse://{user}@127.0.0.1:{server.port}/default", "SELECT 1")


def test_clickhouse_reader_reads_and_nothing_else(own_clickhouse: Callable[..., ClickHouse]) -> None:
    server = own_clickhouse(password="secret")
    rows(server.url, "CREATE TABLE t (n UInt8) ENGINE MergeTree ORDER BY n")
    assert rows(server.read_url, "SELECT count() FROM t SETTINGS max_execution_time = 5") == [(0,)]
    for refused in (
        "INSERT INTO t SELECT 1",
        "DROP TABLE t",
        "SELECT * FROM file('/etc/passwd', 'LineAsString', 'line String')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
        "SET readonly = 0",
    ):
        with pytest.raises(driver_errors.ServerException):
            rows(server.read_url, refused)


def test_clickhouse_stops_soon_though_clients_are_connected(own_clickhouse: Callable[..., ClickHouse]) -> None:
    server = own_clickhouse()
    alone_s = seconds_to_stop(server)
    server.start()
    client = Client.from_url(server.url)
    client.execute("SELECT 1")
    assert seconds_to_stop(server) < alone_s + 4, "it doesn't wait for them"
    client.disconnect()


def seconds_to_stop(server: ClickHouse) -> float:
    began = time.monotonic()
    server.stop()
    return time.monotonic() - began


def test_postgres_keeps_what_was_committed_over_kill_9(own_postgres: Callable[..., Postgres]) -> None:
    server = own_postgres(password="secret")
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS n")
    for end in (server.kill, server.stop):
        end()
        server.start()
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT n FROM t").fetchall() == [(1,)]


def test_postgres_starts_over_a_pid_file_that_names_a_stranger(own_postgres: Callable[..., Postgres]) -> None:
    server = own_postgres()
    server.kill()
    pid_file = server.folder / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join(["1", *lines[1:]]) + "\n")
    server.start()
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_postgres_makes_its_cluster_again_when_it_was_killed_while_making_it(
    own_postgres: Callable[..., Postgres],
) -> None:
    server = own_postgres()
    server.stop()
    (server.folder / "made").unlink()
    shutil.rmtree(server.folder / "data" / "base")
    server.start()
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("sluice",)


def test_postgres_wants_its_password(own_postgres: Callable[..., Postgres]) -> None:
    server = own_postgres(password="secret")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.url.replace("secret", "wrong"))


def test_valkey_keeps_what_is_a_second_old_over_kill_9(own_redis: Callable[..., Valkey]) -> None:
    server = own_redis(password="secret")
    with redis.Redis.from_url(server.url) as client:
        client.set("key", "value")
        time.sleep(1.2)
        server.kill()
        server.start()
        assert client.get("key") == b"value"


def test_valkey_wants_its_password(own_redis: Callable[..., Valkey]) -> None:
    server = own_redis(password="secret")
    with redis.Redis(port=server.port, retry=Retry(NoBackoff(), 0)) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


async def test_kafka_keeps_messages_and_offsets_over_kill_9(own_kafka: Callable[..., Kafka]) -> None:
    server = own_kafka()
    await _publish(server, b"before")
    await _commit(server, 1, "a plan")
    server.kill()
    server.start()
    await _publish(server, b"after", create=False)
    lane = TopicPartition("t", 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=_address(server), enable_auto_commit=False)
    await consumer.start()
    consumer.assign([lane])
    await consumer.seek_to_beginning(lane)
    assert [(await consumer.getone()).value for _ in range(2)] == [b"before", b"after"]
    await consumer.stop()
    admin = AIOKafkaAdminClient(bootstrap_servers=_address(server))
    await admin.start()
    committed = await admin.list_consumer_group_offsets("g")
    await admin.close()
    assert (committed[lane].offset, committed[lane].metadata) == (1, "a plan")


async def test_kafka_moves_to_other_ports_with_its_data(own_kafka: Callable[..., Kafka]) -> None:
    first = own_kafka()
    await _publish(first, b"kept")
    first.stop()
    with Kafka(first.folder) as second:
        assert second.port != first.port
        await _publish(second, b"more", create=False)


def _address(server: Kafka) -> str:
    return server.url.removeprefix("kafka://")


async def _publish(server: Kafka, value: bytes, create: bool = True) -> None:
    if create:
        admin = AIOKafkaAdminClient(bootstrap_servers=_address(server))
        await admin.start()
        await admin.create_topics([NewTopic("t", num_partitions=1, replication_factor=1)])
        await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=_address(server), acks="all", enable_idempotence=True)
    await producer.start()
    await producer.send_and_wait("t", value)
    await producer.stop()


async def _commit(server: Kafka, offset: int, metadata: str) -> None:
    lane = TopicPartition("t", 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=_address(server), group_id="g", enable_auto_commit=False)
    await consumer.start()
    consumer.assign([lane])
    await consumer.commit({lane: (offset, metadata)})
    await consumer.stop()


def test_an_engine_whose_port_is_taken_gets_another(own_redis: Callable[..., Valkey]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        taken = stranger.getsockname()[1]
        server = own_redis(port=taken)
        assert server.port != taken
        with redis.Redis.from_url(server.url) as client:
            assert client.ping()


def test_fresh_databases_are_apart(
    clickhouse_database: str, clickhouse_database_url: str, postgres_database: str, redis_url: str, redis_prefix: str
) -> None:
    assert rows(clickhouse_database_url, "SELECT currentDatabase()") == [(clickhouse_database,)]
    with psycopg.connect(postgres_database) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    with redis.Redis.from_url(redis_url) as client:
        assert client.keys(f"{redis_prefix}*") == []
