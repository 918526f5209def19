"""Faults of clusters: of three brokers, and of two servers of ClickHouse that are a shard each."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from random import Random

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.queue.base import Lane
from tests.faults.fault import CLICKHOUSE, QUEUE, WRITERS, fault
from tests.faults.kinds.engines import queue_answers
from tests.faults.processes import frozen
from tests.faults.stack_under_test import GROUP, StackUnderTest

BROKERS = ("kafka", "kafka-2", "kafka-3")
GOES_ON_WITHIN_S = 60.0
"""Kafka takes nothing until the controller has fenced a broker that is away: 4 s in the local stack."""
LOGS = "logs"
_OF_THE_TOPIC = 1
"""Where a setting that was read comes from."""


@fault(QUEUE, hold_s=(1.0, 20.0), times=3, queues=("cluster",))
def one_broker_hangs(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """A broker of three hangs: after a pause ingest goes on without it."""
    with frozen(stack.running.pid(rng.choice(BROKERS))):
        stack.goes_on(GOES_ON_WITHIN_S)
        yield
    stack.until(lambda: queue_answers(stack), 180, "the broker back")


@fault(QUEUE, hold_s=(1.0, 5.0), times=5, queues=("cluster",))
def one_broker_killed(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """kill -9 of a broker of three; it comes back on the same data."""
    yield from _killed(stack, rng.choice(BROKERS))


@fault(QUEUE, hold_s=(1.0, 5.0), times=3, queues=("cluster",))
def coordinator_killed(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """kill -9 of the broker that coordinates the writers' group."""
    yield from _killed(stack, BROKERS[stack.background.run(_coordinator(stack)) - 1])


async def _coordinator(stack: StackUnderTest) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.running.env["SLUICE_QUEUE_URL"].removeprefix("kafka://"))
    await admin.start()
    try:
        return int(await admin.find_coordinator(GROUP))
    finally:
        await admin.close()


@fault(QUEUE, hold_s=(1.0, 10.0), times=2, queues=("cluster",))
def two_brokers_killed(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """kill -9 of two brokers of three: no quorum, no in-sync copies; ingest refuses until they are back."""
    chosen = rng.sample(BROKERS, 2)
    with ExitStack() as away:
        for role in chosen:
            away.enter_context(frozen(stack.running.pid(role)))
        _refuses(stack)
        yield
        for role in chosen:
            stack.kill_role(role)
    stack.until(lambda: queue_answers(stack), 180, "the brokers back")
    stack.goes_on(180)


@fault(QUEUE, hold_s=(0.5, 5.0), times=2, queues=("cluster",), mixed=False)
def too_few_in_sync(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """Topic logs asks for three copies in sync, and a broker of three hangs: every broker that is asked answers, and
    nothing can be written."""
    stack.background.run(_ask_in_sync(stack, LOGS, 3))
    try:
        with frozen(stack.running.pid(rng.choice(BROKERS))):
            _refuses(stack)
            yield
    finally:
        stack.background.run(_ask_in_sync(stack, LOGS, 2))
    stack.until(lambda: queue_answers(stack), 180, "the broker back")
    stack.goes_on(180)


def _refuses(stack: StackUnderTest) -> None:
    """Wait until health says that no request would be taken, and until none is."""
    assert stack.load is not None
    stack.until(lambda: stack.running.request("GET", "/health/ready")[0] == 503, 10, "/health/ready at 503")
    stack.load.wait_for(503, 1, GOES_ON_WITHIN_S)
    stack.until(lambda: stack.running.request("GET", "/health/ready")[0] == 503, 10, "/health/ready still at 503")


async def _ask_in_sync(stack: StackUnderTest, topic: str, copies: int) -> None:
    """Set `min.insync.replicas`; the request takes all settings of the topic, or drops them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.running.env["SLUICE_QUEUE_URL"].removeprefix("kafka://"))
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        own = {name: value for name, value, _, source, *_ in answer.resources[0][4] if source == _OF_THE_TOPIC}
        changed = ConfigResource(ConfigResourceType.TOPIC, topic, own | {"min.insync.replicas": str(copies)})
        await admin.alter_configs([changed])
    finally:
        await admin.close()


@fault(QUEUE, hold_s=(0.5, 0.5), times=1, queues=("cluster",), mixed=False)
def brokers_restarted(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """Each broker is restarted in turn, the next one when all copies are in sync: an upgrade."""
    for role in BROKERS:
        pid = stack.running.pid(role)
        stack.kill_role(role, signal.SIGTERM)
        stack.until(lambda role=role, pid=pid: stack.running.pid(role) != pid, 180, f"{role} back")
        stack.until(lambda: stack.background.run(_in_sync(stack)), 180, "all copies in sync")
        stack.goes_on(GOES_ON_WITHIN_S)
    yield


async def _in_sync(stack: StackUnderTest) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.running.env["SLUICE_QUEUE_URL"].removeprefix("kafka://"))
    try:
        await admin.start()
        found = await admin.describe_topics(stack.topics)
        return all(len(lane["isr"]) == len(BROKERS) for topic in found for lane in topic["partitions"])
    except Exception:  # a broker is away
        return False
    finally:
        await admin.close()


@fault(CLICKHOUSE, hold_s=(1.0, 3.0), times=5, queues=("cluster",))
def shard_killed(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """kill -9 of the second server of ClickHouse; it comes back on the same data."""
    stack.kill_role("clickhouse-2")
    yield
    stack.running.pid("clickhouse-2")


@fault(CLICKHOUSE, hold_s=(1.0, 20.0), times=2, queues=("cluster",))
def shard_hangs(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """The second server of ClickHouse hangs: its lanes wait, and rows of the others go on coming in."""
    stored = "SELECT count() FROM logs_local"
    stack.until(lambda: _trusted(stack), GOES_ON_WITHIN_S, "lanes that look at all shards no more")
    with frozen(stack.running.pid("clickhouse-2")):
        time.sleep(1.0)
        ((before,),) = stack.query(stored)
        stack.until(lambda: stack.query(stored)[0][0] > before, GOES_ON_WITHIN_S, "rows in the other shard")
        yield


def _trusted(stack: StackUnderTest) -> bool:
    lanes = [lane for writer in stack.writers for lane in writer.lanes() if lane["topic"] == "logs"]
    return bool(lanes) and not any(lane["doubtful"] for lane in lanes)


@fault(WRITERS, hold_s=(0.1, 1.0), times=2, queues=("cluster",), mixed=False)
def writers_scaled(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """Writers are scaled from 1 to 4, to 8, to 2."""
    for count in (1, 4, 8, 2):
        stack.writers.wanted = count
        stack.writers.fill()
        stack.goes_on(GOES_ON_WITHIN_S)
        stack.until(lambda: not stack.writers.waiting(), GOES_ON_WITHIN_S, "writers that wait for nothing")
    stack.writers.wanted = stack.writers.usual
    yield
    stack.writers.fill()


@fault(QUEUE, hold_s=(0.1, 1.0), times=2, queues=("cluster",), mixed=False)
def partitions_raised(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """Topic logs gets another partition: gateways fill it and writers empty it, with nothing restarted."""
    new = stack.background.run(_raise_partitions(stack, LOGS))
    stack.until(lambda: new in stack.positions(), GOES_ON_WITHIN_S, "messages in the new partition")
    stack.until(lambda: stack.positions()[new][0].offset > 0, GOES_ON_WITHIN_S, "them stored")
    yield


async def _raise_partitions(stack: StackUnderTest, topic: str) -> Lane:
    """One more; the new lane."""
    count = len(await stack.queue.lanes([topic]))
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.running.env["SLUICE_QUEUE_URL"].removeprefix("kafka://"))
    await admin.start()
    try:
        await admin.create_partitions({topic: NewPartitions(total_count=count + 1)})
    finally:
        await admin.close()
    return Lane(topic, count)


def _killed(stack: StackUnderTest, role: str) -> Iterator[None]:
    stack.kill_role(role)
    stack.goes_on(GOES_ON_WITHIN_S)
    yield
    stack.running.pid(role)
    stack.until(lambda: queue_answers(stack), 180, f"{role} back")
