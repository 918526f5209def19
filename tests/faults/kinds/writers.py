"""Faults of writers: killed at random and at named points, frozen, joining and leaving."""

import signal
import time
from collections.abc import Iterator
from random import Random

from tests.faults.fault import CLICKHOUSE, EVERYWHERE, QUEUE, WRITERS, fault
from tests.faults.stack_under_test import StackUnderTest

REACHED_WITHIN_S = 120.0
GOES_ON_WITHIN_S = 60.0


@fault(WRITERS, hold_s=(0.5, 1.0), times=50, queues=EVERYWHERE)
def writer_killed(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """kill -9 of a writer at a random moment."""
    victim = stack.writers.busy()
    time.sleep(rng.uniform(0, 1.0))
    victim.kill()
    yield
    stack.writers.fill()


@fault(WRITERS, hold_s=(0.5, 1.0), queues=EVERYWHERE)
def all_writers_killed(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """kill -9 of all writers at once."""
    stack.writers.busy()
    stack.writers.kill()
    yield
    stack.writers.fill()


def _killed_at(point: str, stack: StackUnderTest, rng: Random) -> Iterator[None]:
    writer = stack.writers.spawn(failpoint=f"{point}=kill:{rng.randint(1, 6)}")
    if not writer.wait_ended(REACHED_WITHIN_S):
        writer.kill()
        raise AssertionError(f"no writer reached {point} within {REACHED_WITHIN_S} s")
    yield
    stack.writers.fill()


@fault(WRITERS, CLICKHOUSE, QUEUE, queues=EVERYWHERE)
def writer_killed_after_plan(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """kill -9 between the plan's commit and the insert."""
    yield from _killed_at("after_plan", stack, rng)


@fault(WRITERS, CLICKHOUSE, QUEUE, queues=EVERYWHERE)
def writer_killed_before_insert(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """kill -9 right before an insert is sent."""
    yield from _killed_at("before_insert", stack, rng)


@fault(WRITERS, CLICKHOUSE, QUEUE, queues=EVERYWHERE)
def writer_killed_after_insert(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """kill -9 between the insert's success and its commit."""
    yield from _killed_at("after_insert", stack, rng)


@fault(WRITERS, CLICKHOUSE, QUEUE, queues=EVERYWHERE)
def writer_killed_after_done(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """kill -9 right after a batch was committed."""
    yield from _killed_at("after_done", stack, rng)


@fault(WRITERS, CLICKHOUSE, QUEUE, queues=EVERYWHERE)
def writer_killed_during_insert(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """kill -9 when half of an insert's data has left the writer, by the proxy between it and ClickHouse."""
    writer = stack.writers.busy()
    writer.proxy.at_cut = lambda: writer.send(signal.SIGKILL)
    writer.proxy.cuts = 1
    if not writer.wait_ended(REACHED_WITHIN_S):
        raise AssertionError(f"no insert went through the proxy within {REACHED_WITHIN_S} s")
    yield
    stack.writers.fill()


@fault(WRITERS, hold_s=(0.5, 5.0))
def writer_frozen(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """SIGSTOP of a writer at a random moment; it wakes after its session timeout, as a zombie."""
    zombie = stack.writers.busy()
    time.sleep(rng.uniform(0, 1.0))
    zombie.send(signal.SIGSTOP)
    time.sleep(stack.session_s + 1.5)
    yield
    zombie.send(signal.SIGCONT)
    stack.writers.fill()


@fault(WRITERS, CLICKHOUSE, QUEUE, hold_s=(0.5, 5.0))
def writer_frozen_before_insert(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """SIGSTOP right before a planned insert; others take the lanes and insert the range; then it wakes."""
    stack.writers.busy()
    zombie = stack.writers.spawn(failpoint=f"before_insert=stop:{rng.randint(1, 6)}")
    stack.until(lambda: zombie.frozen, REACHED_WITHIN_S, "a writer frozen before its insert")
    time.sleep(stack.session_s + 1.5)
    yield
    zombie.send(signal.SIGCONT)
    time.sleep(2.0)  # it does what it had planned
    stack.writers.fill()


@fault(WRITERS, hold_s=(3.0, 10.0))
def group_grows_and_shrinks(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """1 writer, then 4, then 2, each for a while, under load."""
    for wanted in (1, 4):
        stack.writers.wanted = wanted
        stack.writers.fill()
        stack.writers.busy()
        time.sleep(rng.uniform(1.0, 3.0))
    stack.writers.wanted = 2
    stack.writers.fill()
    yield
    stack.writers.wanted = stack.writers.usual
    stack.writers.fill()


@fault(WRITERS, QUEUE, hold_s=(1.0, 1.0), times=1, queues=("kafka",))
def rebalances_while_the_broker_hangs(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """Members join and leave while the broker hangs again and again: commits are late, or retried."""
    from tests.faults.processes import frozen

    for _ in range(4):
        joining = stack.writers.spawn()
        time.sleep(rng.uniform(1.0, 2.5))
        with frozen(stack.running.pid("kafka")):
            time.sleep(rng.uniform(0.3, 5.5))  # a commit waits 5 s for its answer
        joining.send(rng.choice([signal.SIGTERM, signal.SIGKILL]))
        time.sleep(rng.uniform(0.2, 1.0))
        joining.wait_ended()
    yield
    stack.writers.fill()


@fault(WRITERS, QUEUE, times=1)
def rebalances(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """Members join and leave all the time."""
    for _ in range(5):
        joining = stack.writers.spawn()
        stack.until(lambda joining=joining: joining.lanes(), 90, "a new member with lanes")
        time.sleep(rng.uniform(0.0, 1.0))
        joining.stop() if rng.random() < 0.5 else joining.kill()
    yield
    stack.writers.fill()


@fault(WRITERS, QUEUE, hold_s=(3.0, 20.0), times=1)
def writer_clocks_step(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """Two more writers, with clocks an hour ahead and an hour behind, work in the group."""
    for offset_s in (3600, -3600):
        stepped = stack.writers.spawn(clock_offset_s=offset_s)
        stack.until(lambda stepped=stepped: stepped.lanes(), 90, "a writer with another clock with lanes")
    yield
    stack.writers.fill()


@fault(WRITERS, hold_s=(0.1, 1.0), times=2, queues=("cluster",), mixed=False)
def writers_scaled(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """Writers are scaled from 1 to 4, to 8, to 2."""
    for count in (1, 4, 8, 2):
        stack.writers.wanted = count
        stack.writers.fill()
        stack.until(lambda count=count: _at_work(stack) == count, 120, f"{count} writers with lanes")
        stack.goes_on(GOES_ON_WITHIN_S)
        stack.until(lambda: not stack.writers.waiting(), GOES_ON_WITHIN_S, "writers that wait for nothing")
    stack.writers.wanted = stack.writers.usual
    yield
    stack.writers.fill()


def _at_work(stack: StackUnderTest) -> int:
    return sum(bool(writer.lanes()) for writer in stack.writers)
