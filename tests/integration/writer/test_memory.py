"""A writer's memory is bounded by its settings, however long the backlog and whatever ClickHouse does."""

import asyncio

import pytest

from deploy.bench.process import peak_bytes
from tests.integration.writer.stage import Proxy, Stage, logs, until

MB = 1_000_000
HELD = 4 * MB
RECORDS, A_MESSAGE = 300_000, 500
PADDING = "x" * 120

REST = 40 * MB
"""What doesn't depend on what is held: the connections, what the queue's client reads ahead, the allocator's gaps."""


@pytest.mark.timeout(300)
async def test_memory_follows_from_the_settings_while_clickhouse_is_down_and_while_it_catches_up(
    any_stage: Stage,
) -> None:
    stage = any_stage
    await stage.make("logs", partitions=4)
    async with Proxy(stage.clickhouse_url) as proxy:
        proxy.down = True
        variables = {"WRITER_HELD_BYTES": HELD, "WRITER_SHUTDOWN_S": 1, "WRITER_METRICS_PORT": 0}
        with stage.spawn("logs", clickhouse_url=proxy.url, **variables) as writer:
            await until(lambda: writer.log.count("lane taken over") == 4, within_s=60, what=writer.log)
            base = peak_bytes(writer.pid)
            backlog = await fill(stage)
            assert backlog > 8 * HELD, "else it would prove nothing"
            await until(lambda: '"waits"' in writer.log, what=writer.log)
            await until_full(writer.pid)
            down = peak_bytes(writer.pid)
            proxy.down = False
            await until(lambda: stage.count() >= RECORDS, within_s=240, what=writer.log)
            peak = peak_bytes(writer.pid)
    print(f"base {base / MB:.0f} MB, down {down / MB:.0f} MB, peak {peak / MB:.0f} MB")  # noqa: T201 - for `pytest -s`
    # A message that is held becomes rows, which take about twice as much again, and a block on its way. With
    # 64 MB instead of 4 it takes 250 MB.
    assert peak < base + 4 * HELD + REST
    ((count, different),) = stage.query("SELECT count(), uniqExact(message) FROM logs")
    assert (count, different) == (RECORDS, RECORDS)


async def fill(stage: Stage) -> int:
    """Publish the backlog; its bytes, unpacked."""
    size = 0
    for first in range(0, RECORDS, 100 * A_MESSAGE):
        starts = range(first, min(first + 100 * A_MESSAGE, RECORDS), A_MESSAGE)
        values = [logs(*(f"{n} {PADDING}" for n in range(start, start + A_MESSAGE))) for start in starts]
        size += sum(map(len, values))
        await stage.publish(*values)
    return size


async def until_full(pid: int) -> None:
    """Wait until its memory has not grown for a second: it holds what it may, and waits."""
    seen = [0]
    while len(seen) < 6 or seen[-1] > seen[-6]:
        await asyncio.sleep(0.2)
        seen.append(peak_bytes(pid) // MB)
