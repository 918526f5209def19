"""Faults of three brokers, each of them a controller too."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from random import Random

from shared.queue.base import QueueError
from tests.faults.fault import QUEUE, fault
from tests.faults.kafka_cluster import KafkaCluster
from tests.faults.kinds.engines import queue_answers
from tests.faults.processes import frozen
from tests.faults.stack_under_test import GROUP, StackUnderTest

BROKERS = ("kafka", "kafka-2", "kafka-3")
GOES_ON_WITHIN_S = 60.0
"""Kafka takes nothing until the controller has fenced a broker that is away: 4 s in the local stack."""
LOGS = "logs"


def cluster(stack: StackUnderTest) -> KafkaCluster:
    return KafkaCluster(stack.running.env["SLUICE_QUEUE_URL"])


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
    yield from _killed(stack, BROKERS[stack.background.run(cluster(stack).coordinator(GROUP)) - 1])


@fault(QUEUE, hold_s=(1.0, 5.0), times=3, queues=("cluster",))
def controller_killed(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """kill -9 of the broker that is the active controller: another one is elected, and fences it as a broker."""
    former = stack.background.run(cluster(stack).controller())
    stack.kill_role(BROKERS[former - 1])
    stack.goes_on(GOES_ON_WITHIN_S)
    stack.until(lambda: _controller(stack) not in (None, former), GOES_ON_WITHIN_S, "another controller")
    yield
    _back(stack, BROKERS[former - 1])


def _controller(stack: StackUnderTest) -> int | None:
    try:
        return stack.background.run(cluster(stack).controller())
    except OSError:  # no broker knows one now
        return None


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


@fault(QUEUE, hold_s=(0.5, 10.0), times=2, queues=("cluster",))
def in_sync_below_least(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """All three copies must be in sync, and a broker hangs: nothing can be written, and /health/ready says so."""
    brokers, former = cluster(stack), {}
    for topic in stack.topics:
        former[topic] = stack.background.run(brokers.change(topic, {"min.insync.replicas": "3"}))
    try:
        with frozen(stack.running.pid(rng.choice(BROKERS))):
            stack.until(lambda: _in_sync(stack) == 2, GOES_ON_WITHIN_S, "a copy behind")
            _refuses(stack)
            yield
        stack.goes_on(GOES_ON_WITHIN_S)  # it catches up by itself
    finally:
        for topic, settings in former.items():
            stack.background.run(brokers.change(topic, settings))


def _refuses(stack: StackUnderTest) -> None:
    """Wait until health says that no request would be taken, and until none is."""
    assert stack.load is not None
    stack.until(lambda: stack.running.request("GET", "/health/ready")[0] == 503, 10, "/health/ready at 503")
    stack.load.wait_for(503, 1, GOES_ON_WITHIN_S)
    stack.until(lambda: stack.running.request("GET", "/health/ready")[0] == 503, 10, "/health/ready still at 503")


@fault(QUEUE, hold_s=(0.5, 0.5), times=1, queues=("cluster",), mixed=False)
def brokers_restarted(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """Each broker is restarted in turn, the next one when all copies are in sync: an upgrade."""
    for role in BROKERS:
        pid = stack.running.pid(role)
        stack.kill_role(role, signal.SIGTERM)
        stack.until(lambda role=role, pid=pid: stack.running.pid(role) != pid, 180, f"{role} back")
        stack.until(lambda: _in_sync(stack) == len(BROKERS), 180, "all copies in sync")
        stack.goes_on(GOES_ON_WITHIN_S)
    yield


def _in_sync(stack: StackUnderTest) -> int:
    """Of the worst partition; 0 while that can't be asked."""
    try:
        states = stack.background.run(stack.queue.topic_states(stack.topics))
    except QueueError:
        return 0
    return min(state.in_sync for state in states.values())


@fault(QUEUE, hold_s=(0.1, 1.0), times=2, queues=("cluster",), mixed=False)
def partitions_raised(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """Topic logs gets another partition: gateways fill it and writers empty it, with nothing restarted."""
    count = len(stack.background.run(stack.queue.lanes([LOGS])))
    new = stack.background.run(cluster(stack).add_partition(LOGS, count))
    stack.until(lambda: new in stack.positions(), GOES_ON_WITHIN_S, "messages in the new partition")
    stack.until(lambda: stack.positions()[new][0].offset > 0, GOES_ON_WITHIN_S, "them stored")
    yield


def _killed(stack: StackUnderTest, role: str) -> Iterator[None]:
    stack.kill_role(role)
    stack.goes_on(GOES_ON_WITHIN_S)
    yield
    _back(stack, role)


def _back(stack: StackUnderTest, role: str) -> None:
    stack.running.pid(role)
    stack.until(lambda: queue_answers(stack), 180, f"{role} back")
