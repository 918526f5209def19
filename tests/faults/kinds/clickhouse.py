"""Faults of ClickHouse, and of the connections to it."""

import time
from collections.abc import Iterator
from contextlib import suppress
from random import Random

from shared.clients.clickhouse import ClickHouseError
from tests.faults.fault import CLICKHOUSE, WRITERS, fault
from tests.faults.processes import frozen
from tests.faults.stack_under_test import StackUnderTest

TABLES = ("logs", "errors", "spans", "llm_calls")
BITES_WITHIN_S = 120.0


@fault(CLICKHOUSE, hold_s=(1.0, 3.0), times=5)
def clickhouse_killed(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """kill -9 of the server; it comes back on the same data."""
    stack.signal_role("clickhouse", rng)
    yield
    stack.until(lambda: _answers(stack), 180, "ClickHouse back")


@fault(CLICKHOUSE, hold_s=(5.0, 120.0), times=1)
def clickhouse_stopped(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """The server hangs for minutes: connections stay open, nothing answers."""
    with frozen(stack.running.pid("clickhouse")):
        yield


@fault(CLICKHOUSE, hold_s=(6.0, 20.0), times=2)
def clickhouse_slow(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """Every answer is late, and those to inserts so late that these time out although they succeed."""
    proxies = [writer.proxy for writer in stack.writers]
    for proxy in proxies:
        proxy.delay_s, proxy.late_s = rng.uniform(0.0, 0.5), rng.choice([1.0, 4.0, 6.0])
    proxies[0].late_s = 4.0  # writers give an insert 3 s
    yield
    for proxy in proxies:
        proxy.delay_s = proxy.late_s = 0.0


@fault(CLICKHOUSE, hold_s=(3.0, 15.0), times=2)
def clickhouse_too_many_parts(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """Merges stop and the limit of parts is 1, so that inserts get the real error 252."""
    stack.query("SYSTEM STOP MERGES")
    for table in TABLES:
        stack.query(f"ALTER TABLE {table} MODIFY SETTING parts_to_throw_insert = 1")
    try:
        stack.until(lambda: "252" in str(stack.writers.waiting()), BITES_WITHIN_S, "an insert refused with 252")
        yield
    finally:
        for table in TABLES:
            stack.query(f"ALTER TABLE {table} RESET SETTING parts_to_throw_insert")
        stack.query("SYSTEM START MERGES")


@fault(CLICKHOUSE, WRITERS, hold_s=(1.0, 2.0), times=10)
def connection_cut_during_insert(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """The connection ends when half of an insert's data has gone through."""
    yield from _cut(stack, "cuts")


@fault(CLICKHOUSE, WRITERS, hold_s=(1.0, 2.0), times=10)
def answer_of_insert_lost(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """The insert succeeds, and the connection ends before its answer arrives."""
    yield from _cut(stack, "deaf")


def _cut(stack: StackUnderTest, what: str) -> Iterator[None]:
    """Set a proxy's counter, and wait until it is 0."""
    proxy = stack.writers.busy().proxy
    setattr(proxy, what, 3)
    stack.until(lambda: not getattr(proxy, what), BITES_WITHIN_S, "three inserts to cut")
    yield


@fault(CLICKHOUSE, WRITERS, hold_s=(0.5, 2.0), times=3)
def clickhouse_unreachable(stack: StackUnderTest, rng: Random) -> Iterator[None]:
    """One of two writers can't connect any more."""
    proxy = stack.writers.busy().proxy
    proxy.down, proxy.cuts = True, 1
    yield
    time.sleep(rng.uniform(0, 2))
    proxy.down, proxy.cuts = False, 0


def _answers(stack: StackUnderTest) -> bool:
    with suppress(ClickHouseError):
        return bool(stack.query("SELECT 1"))
    return False
