"""The writers of all sides, from a full topic to the last row in ClickHouse, in turn."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import cycle, islice
from time import perf_counter, sleep

import msgspec

from deploy.bench.effort import Effort
from deploy.bench.engines import Engines
from deploy.bench.jobs import JobFailed
from deploy.bench.messages import publish
from deploy.bench.peer.entries import DATA
from deploy.bench.peer.sides import LOGS_A_MESSAGE, Side
from deploy.bench.process import cpu_seconds, peak_bytes
from deploy.local.child import Child, last_lines
from shared import settings
from shared.clients.clickhouse import ClickHouse
from shared.queue import open_queue

DIFFERENT_MESSAGES = 200
_LOOK_EVERY_S = 0.05
_SLOWEST_ROWS_A_SECOND = 2_000
_ROWS = "SELECT total_rows FROM system.tables WHERE database = %(database)s AND name = %(table)s"


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """`rows` brought to the table in `seconds` from the process's first answer, for `cpu_s` of its CPU time."""

    rows: int
    seconds: float
    cpu_s: float
    peak_bytes: int


Writers = dict[str, dict[str, list[Written]]]
"""Name of the data -> name of the side -> its rounds."""


def measure_writers(engines: Engines, sides: Sequence[Side], effort: Effort, step: Callable[[str], None]) -> Writers:
    """Raises `JobFailed` when a row is missing in the end. `step` is called with what comes next."""
    with closing(ClickHouse(engines.clickhouse_url)) as clickhouse:
        return {data: _rounds(engines, clickhouse, sides, data, effort, step) for data in DATA}


def steps(sides: int, rounds: int) -> int:
    """How often `measure_writers` calls `step`."""
    return len(DATA) * (1 + rounds * sides)


def _rounds(
    engines: Engines,
    clickhouse: ClickHouse,
    sides: Sequence[Side],
    data: str,
    effort: Effort,
    step: Callable[[str], None],
) -> dict[str, list[Written]]:
    step(f"the topics are filled, {data}")
    asyncio.run(_fill(engines, sides, data, effort.writer_messages))
    rounds: dict[str, list[Written]] = {side.name: [] for side in sides}
    for number in range(effort.rounds):
        for side in sides:
            step(f"{side.name}'s writer, {data}, round {number + 1}")
            clickhouse.query(side.clear)
            with side.writer(data, number) as writer:
                rounds[side.name].append(_follow(clickhouse, side, writer, effort.writer_messages * LOGS_A_MESSAGE))
            clickhouse.query(side.clear)  # its merges would slow the next one down
    return rounds


async def _fill(engines: Engines, sides: Sequence[Side], data: str, messages: int) -> None:
    """Each topic once, also where several sides read it."""
    lists = DATA[data](LOGS_A_MESSAGE, DIFFERENT_MESSAGES)
    topics = {side.topic(data): side for side in sides}
    queue = open_queue(settings.load(engines.addresses))
    try:
        for name, side in topics.items():
            values = [side.message(entries) for entries in lists]
            await publish(queue, name, islice(cycle(values), messages))
    finally:
        await queue.close()


def _follow(clickhouse: ClickHouse, side: Side, writer: Child, rows: int) -> Written:
    """Look until all rows are there. Raises `JobFailed` where that does not happen."""
    pid, began = writer.pid or 0, perf_counter()
    cpu_s = cpu_seconds(pid)
    limit_s = 60 + rows / _SLOWEST_ROWS_A_SECOND
    while (there := _rows(clickhouse, side)) < rows:
        if not writer.running:
            raise JobFailed(f"{side.name}'s writer ended: {last_lines(writer.log, 0)}")
        if perf_counter() - began > limit_s:
            raise JobFailed(f"{rows - there:,} rows of {side.name} are missing: {last_lines(writer.log, 0)}")
        sleep(_LOOK_EVERY_S)
    if there > rows:
        raise JobFailed(f"{side.name} wrote {there:,} rows, the topic holds {rows:,}")
    return Written(
        rows=rows, seconds=perf_counter() - began, cpu_s=cpu_seconds(pid) - cpu_s, peak_bytes=peak_bytes(pid)
    )


def _rows(clickhouse: ClickHouse, side: Side) -> int:
    """Rows of the side's table; 0 while there is none."""
    found = clickhouse.query(_ROWS, {"database": side.database, "table": side.table})
    return found[0][0] if found else 0
