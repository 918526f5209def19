"""Faults of the queue, the gateways, Redis and Postgres."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from shared.queue.base import QueueUnavailable
from tests.faults.fault import EVERYWHERE, GATEWAYS, NEIGHBOURS, QUEUE, fault
from tests.faults.processes import SluiceProcess, frozen
from tests.faults.stack_under_test import StackUnderTest
from tests.integration.stack import RunningStack


@fault(GATEWAYS, hold_s=(1.0, 2.0), times=10, queues=EVERYWHERE)
def gateway_killed(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """kill -9 of a gateway with requests in flight."""
    stack.signal_role("gateway", rng)
    yield


@fault(GATEWAYS, hold_s=(2.0, 5.0), times=2)
def gateway_stopped(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """SIGTERM of a gateway under load."""
    stack.signal_role("gateway", rng, signal.SIGTERM)
    yield


@fault(GATEWAYS, hold_s=(4.0, 20.0), times=1)
def gateway_clocks_step(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """Two more gateways, with clocks an hour ahead and an hour behind, take requests."""
    port = stack.running.env["SLUICE_URL"].rpartition(":")[2]
    made = [
        SluiceProcess(
            "gateway",
            {**stack.environment, "SLUICE_GATEWAY_PORT": port, "SLUICE_CLOCK_OFFSET_S": str(offset_s)},
            stack.running.folder / "log" / f"gateway-{offset_s}.log",
        )
        for offset_s in (3600, -3600)
    ]
    for each in made:
        stack.until(lambda each=each: "gateway listens" in each.log.read_text(), 120, "a gateway with another clock")
    yield
    for each in made:
        each.stop()
    stack.checks.append(lambda: _hours_off(stack))


def _hours_off(stack: StackUnderTest) -> str:
    """At the end of a run: check that both clocks were in use."""
    mine = f"startsWith(trace_id, '{stack.sent.run}-')"
    fast = f"received_at > fromUnixTimestamp64Milli({stack.began_ms}) + INTERVAL 55 MINUTE"
    slow = f"received_at < fromUnixTimestamp64Milli({stack.began_ms}) - INTERVAL 30 MINUTE"
    ((ahead, behind),) = stack.query(f"SELECT countIf({fast}), countIf({slow}) FROM logs WHERE {mine}")
    return "" if ahead and behind else f"the clocks had no effect: {ahead} rows an hour ahead, {behind} behind"


@fault(QUEUE, hold_s=(1.0, 3.0), times=3, queues=("kafka",))
def broker_killed(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """kill -9 of the broker; it comes back on the same data."""
    stack.signal_role("kafka", rng)
    yield
    stack.running.pid("kafka")
    stack.until(lambda: queue_answers(stack), 180, "Kafka back")


def queue_answers(stack: StackUnderTest) -> bool:
    try:
        stack.background.run(stack.queue.ping())
    except QueueUnavailable:
        return False
    return True


@contextmanager
def queue_away(stack: RunningStack) -> Iterator[None]:
    """Nothing can be published: the broker hangs, or another connection holds the SQLite file's lock."""
    url = stack.env["SLUICE_QUEUE_URL"]
    if url.startswith("kafka:"):
        with frozen(stack.pid("kafka")):
            yield
        return
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=60, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@fault(QUEUE, hold_s=(4.0, 45.0), times=1)
def queue_stopped(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """The broker hangs, or the queue's file is locked: ingest answers 503, writers keep what they have."""
    with queue_away(stack.running):
        yield


@fault(NEIGHBOURS, hold_s=(1.0, 3.0), times=3, queues=EVERYWHERE)
def redis_killed(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """kill -9 of Redis: ingest goes on without it."""
    stack.signal_role("redis", rng)
    yield


@fault(NEIGHBOURS, hold_s=(3.0, 30.0), times=1)
def redis_stopped(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """Redis hangs."""
    with frozen(stack.running.pid("redis")):
        yield


@fault(NEIGHBOURS, hold_s=(1.0, 3.0), times=3, queues=EVERYWHERE)
def postgres_killed(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """kill -9 of Postgres: known keys go on."""
    stack.signal_role("postgres", rng)
    yield


@fault(NEIGHBOURS, hold_s=(3.0, 30.0), times=1)
def postgres_stopped(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """Postgres hangs."""
    with frozen(stack.running.pid("postgres")):
        yield
