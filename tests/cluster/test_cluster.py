"""Three brokers, two shards, two gateways and two writers, harmed: a short run (long ones: make soak)."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from msgspec import structs

from shared import settings
from shared.clients.clickhouse import ClickHouse
from shared.clients.clickhouse_nodes import connection, nodes_of
from shared.migrations.run import topic_specs
from shared.queue import open_queue
from shared.queue.base import TopicState
from shared.registry import load
from tests.faults.catalog import FAULTS
from tests.faults.harness import Step, run
from tests.faults.stack_under_test import StackUnderTest, stack_under_test
from tests.faults.verdict import letters
from tests.integration.stack import wait_until
from tests.integration.writer.records import logs

pytestmark = pytest.mark.timeout(600)

SEED = 20261126

SOME = ("logs", "errors")

SHORT = (
    ("shard-hangs",),
    ("shard-killed", "coordinator-killed"),
    ("controller-killed",),
    ("two-brokers-killed",),
)
"""The others take long: brokers restarted one by one, copies below the least, partitions raised, writers scaled."""


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackUnderTest]:
    request.getfixturevalue("kafka_url")  # skips, or fails where Kafka is required
    with stack_under_test(tmp_path_factory.mktemp("cluster") / "var", "cluster") as made:
        yield made


def test_brokers_and_a_shard_away_every_acknowledged_record_is_one_row(stack: StackUnderTest) -> None:
    faults = [tuple(FAULTS[name] for name in names) for names in SHORT]
    steps = (Step(each, hold_s=0.5, calm_s=0.2, seed=SEED) for each in faults)
    result = run(stack, "cluster", steps, SEED, records_per_s=300)
    assert result.verdict.passed, result.as_dict()


def test_rows_of_both_shards_are_written_again(stack: StackUnderTest) -> None:
    held = [
        stack.running.rows(f"SELECT count() AS n FROM {table} WHERE _topic = 'logs'")[0]["n"]
        for table in ("logs_local", "logs")
    ]
    assert 0 < held[0] < held[1]
    replayed = stack.running.sluice("replay", "--signal", "logs", "--rewrite")
    assert (replayed["complete"], replayed["rewritten"]) == (True, held[1])
    audited = stack.running.sluice("audit", "--signal", "logs")["totals"]
    assert (audited["missing"], audited["duplicated"], audited["found"]) == (0, 0, held[1])


def test_letters_of_both_shards_are_redriven_into_them(stack: StackUnderTest) -> None:
    topic, poison = stack.registry.signals["logs"].topic, "message = 'poison'"
    on_each_shard(stack, f"ALTER TABLE logs_local ADD CONSTRAINT no_poison CHECK NOT ({poison})")
    for number in range(12):
        stack.background.run(stack.producer.publish(topic, logs("good", "poison"), key=str(number).encode()))
    wait_until(lambda: len(list(letters(stack))) == 12, 60, "a letter for each message", every_s=0.2)
    on_each_shard(stack, "ALTER TABLE logs_local DROP CONSTRAINT no_poison")
    redriven = stack.running.sluice("dlq", "redrive", "--signal", "logs")
    assert (redriven["redriven"], redriven["inserted"], redriven["still_failing"]) == (12, 12, 0)
    held = [int(n) for ((n,),) in on_each_shard(stack, f"SELECT count() FROM logs_local WHERE {poison}")]
    assert sum(held) == 12
    assert all(held), "letters of both shards"
    stack.until(lambda: not stack.behind(), 60, "every lane committed")
    audited = stack.running.sluice("audit", "--signal", "logs")["totals"]
    assert (audited["missing"], audited["duplicated"], audited["dead_lettered"]) == (0, 0, 0)


def on_each_shard(stack: StackUnderTest, sql: str) -> list[list[tuple[Any, ...]]]:
    url, found = stack.running.env["SLUICE_CLICKHOUSE_URL"], []
    with closing(ClickHouse(url)) as server:
        nodes = nodes_of(server, stack.running.env["SLUICE_CLICKHOUSE_CLUSTER"])
    for node in nodes:
        with connection(url, node, timeout_s=30.0) as server:
            found.append(server.query(sql))
    return found


def test_status_and_env_name_all_of_it(stack: StackUnderTest) -> None:
    status = stack.running.sluice("status", "--data-dir", str(stack.running.folder))
    roles = [each["role"] for each in status["processes"]]
    assert {"kafka", "kafka-2", "kafka-3", "clickhouse", "clickhouse-2"} <= set(roles)
    assert roles.count("gateway") == 2
    assert stack.running.env["SLUICE_QUEUE_URL"].count(",") == 2
    assert stack.running.env["SLUICE_CLICKHOUSE_CLUSTER"] == "sluice"


def test_new_topics_have_their_partitions_and_are_kept_on_three_brokers(stack: StackUnderTest) -> None:
    config = settings.load({**stack.running.env, "SLUICE_TOPICS_PARTITIONS": "logs:6,2"})

    async def make(least: str) -> dict[str, TopicState]:
        topics = structs.replace(config.topics, min_isr=int(least or 0), prefix=f"kept{least}.")
        known = load(None, topics.prefix)
        queue, names = open_queue(structs.replace(config, topics=topics)), [known.signals[name].topic for name in SOME]
        try:
            await queue.create_topics(topic_specs(known.signals.values(), topics))
            return await queue.topic_states(names)
        finally:
            await queue.close()

    def made(least: str) -> dict[str, TopicState] | None:
        """None while the broker that is asked doesn't know all of them."""
        return found if len(found := stack.background.run(make(least))) == len(SOME) else None

    usual, careless = (
        wait_until(lambda least=least: made(least), 60, "new topics", every_s=0.2) for least in ("", "1")
    )
    kept = TopicState(6, brokers=3, copies=3, in_sync=3, min_in_sync=2)
    assert usual == {"kept.logs": kept, "kept.errors": kept._replace(partitions=2)}
    assert {state.min_in_sync for state in careless.values()} == {1}, "the setting, not the brokers' own"


def test_doctor_finds_all_copies_on_all_brokers_and_names_the_nodes(stack: StackUnderTest) -> None:
    try:
        wait_until(lambda: not failing(stack), 240, "a cluster without findings", every_s=2)
    except AssertionError as error:
        raise AssertionError(f"{error}: {failing(stack)}") from None
    found = stack.running.sluice("doctor")["findings"]
    assert {f"clickhouse 127.0.0.1:{each}" for each in stack.running.ports("clickhouse", "clickhouse-2")} <= {
        each["part"] for each in found
    }
    assert "all copies in sync" in next(each["sentence"] for each in found if each["part"] == "queue")


def failing(stack: StackUnderTest) -> list[str]:
    """What isn't well, but for this machine's disk, and that `var/env` names no reader."""
    found = [each for each in stack.running.sluice("doctor")["findings"] if each["part"] != "clickhouse reader"]
    sentences = [each["sentence"] for each in found if each["state"] != "ok"]
    return [sentence for sentence in sentences if not sentence.startswith("disk ")]
