"""Faults of two servers of ClickHouse that are a shard each."""

import time
from collections.abc import Iterator
from random import Random

from tests.faults.fault import CLICKHOUSE, fault
from tests.faults.processes import frozen
from tests.faults.stack_under_test import StackUnderTest

GOES_ON_WITHIN_S = 60.0


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
