"""The writer from a full topic to committed rows, against inserting prebuilt columns, in turn."""

import asyncio
import re
import urllib.request
from collections.abc import Callable
from contextlib import closing
from time import monotonic, perf_counter, sleep

import msgspec

from deploy.bench import insert_limit, messages
from deploy.bench.effort import Effort
from deploy.bench.engines import Engines, Phase
from deploy.bench.jobs import JobFailed
from deploy.bench.process import cpu_seconds, peak_bytes
from deploy.local.child import last_lines
from deploy.local.sluice_hooks import Writer
from shared.clients.clickhouse import ClickHouse
from shared.queue import open_queue
from shared.queue.base import Lane, Queue

LOGS_A_MESSAGE = 100
CONNECTIONS = 2
"""Of the limit: a writer, too, inserts into one table over two at a time."""

_LOOK_EVERY_S = 0.05
_SLOWEST_ROWS_A_SECOND = 2_000
_MERGES_S = 20.0


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """One topic brought to ClickHouse: `rows` in all, from a writer that answers to everything committed.

    `timed_rows` were committed in `seconds`, after the first commit: taking the lanes over is no part of the rate. The
    CPU time and the rest are those of the whole.
    """

    rows: int
    timed_rows: int
    seconds: float
    whole_seconds: float
    cpu_s: float
    peak_bytes: int
    batches: int
    body_bytes: int
    """Of the requests that the rows stand for."""
    disk_bytes: int
    """Of the table's active parts when the server has merged them."""

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.timed_rows / self.seconds


class WriterRound(msgspec.Struct, frozen=True):
    """The two sides, one after the other; the limit in batches as large as the writer's were on average (`limit`), and
    as large as its settings allow (`full_limit`): large batches cost the server much less a row."""

    writer: Written
    limit: insert_limit.Outcome
    full_limit: insert_limit.Outcome


def measure_writer(engines: Engines, effort: Effort, step: Callable[[str], None]) -> list[WriterRound]:
    """Raises `JobFailed` when a row is missing in the end. `step` is told what comes next."""
    phase = engines.phase("writer")
    with closing(ClickHouse(engines.clickhouse_url)) as clickhouse:
        return [_round(engines, phase, clickhouse, effort, step, number) for number in range(effort.rounds)]


def _round(
    engines: Engines, phase: Phase, clickhouse: ClickHouse, effort: Effort, step: Callable[[str], None], number: int
) -> WriterRound:
    step(f"writer, filling the topic, round {number + 1}")
    table = f"`{clickhouse.database}`.`{phase.logs.table.name}`"
    clickhouse.query(f"TRUNCATE TABLE {table} SYNC")
    written = asyncio.run(_write(engines, phase, clickhouse, effort, step, number))
    clickhouse.query(f"TRUNCATE TABLE {table} SYNC")  # its merges would slow the limit down
    same = effort.writer_messages / written.batches
    mine = phase.settings.writer
    full = min(mine.batch_rows / LOGS_A_MESSAGE, mine.batch_bytes * effort.writer_messages / written.body_bytes)
    limits = []
    for name, messages_a_batch in (("same", same), ("full", full)):
        step(f"prebuilt columns, {name} batches, round {number + 1}")
        limits.append(_limit(engines, effort, round(messages_a_batch)))
    return WriterRound(written, *limits)


def _limit(engines: Engines, effort: Effort, messages_a_batch: int) -> insert_limit.Outcome:
    """About as many rows as the writer's, in batches of about this size."""
    batches = max(1, round(effort.writer_messages / max(1, messages_a_batch)))
    job = insert_limit.Job(
        clickhouse_url=engines.clickhouse_url,
        batches=batches,
        messages=max(1, round(effort.writer_messages / batches)),
        logs=LOGS_A_MESSAGE,
        connections=CONNECTIONS,
    )
    return insert_limit.start(job).result()


async def _write(
    engines: Engines, phase: Phase, clickhouse: ClickHouse, effort: Effort, step: Callable[[str], None], number: int
) -> Written:
    queue = open_queue(phase.settings)
    count, rows = effort.writer_messages, effort.writer_messages * LOGS_A_MESSAGE
    try:
        body_bytes = await messages.fill(
            queue, phase.logs.topic, engines.demo.project_id, count, LOGS_A_MESSAGE, seed=number
        )
        ends = await messages.end_of(queue, phase.logs.topic)
        step(f"writer, {rows:,} rows, round {number + 1}")
        with Writer(phase.log("writer"), None, phase.environment) as writer:
            cpu_s = cpu_seconds(writer.pid or 0)
            progress = await _follow(queue, phase, ends, writer, count)
            cpu_s = cpu_seconds(writer.pid or 0) - cpu_s
            batches, peak = _batches(writer), peak_bytes(writer.pid or 0)
    finally:
        await queue.close()
    _check_rows(clickhouse, phase, rows)
    seconds, timed = progress.timed
    return Written(
        rows=rows,
        timed_rows=timed * LOGS_A_MESSAGE,
        seconds=seconds,
        whole_seconds=progress.whole_s,
        cpu_s=cpu_s,
        peak_bytes=peak,
        batches=batches,
        body_bytes=body_bytes,
        disk_bytes=_disk_bytes(clickhouse, phase.logs.table.name),
    )


class Progress:
    """When how many messages were committed, seen from outside. Seconds since the writer answered."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._first: tuple[float, int] = (0.0, 0)
        self._now: tuple[float, int] = (0.0, 0)

    def saw(self, at_s: float, committed: int) -> None:
        self._now = (at_s, committed)
        if self._first[1] == 0 and 0 < committed <= self._count / 2:  # a short run may be over at the first look
            self._first = self._now

    @property
    def complete(self) -> bool:
        return self._now[1] >= self._count

    @property
    def whole_s(self) -> float:
        return self._now[0]

    @property
    def timed(self) -> tuple[float, int]:
        """(seconds, messages) from the first commit to the last."""
        return self._now[0] - self._first[0], self._now[1] - self._first[1]


async def _follow(queue: Queue, phase: Phase, ends: dict[Lane, int], writer: Writer, count: int) -> Progress:
    """Look until everything is committed. Raises `JobFailed` where that does not happen."""
    group, progress, began = phase.settings.writer.group, Progress(count), perf_counter()
    limit_s = 30 + count * LOGS_A_MESSAGE / _SLOWEST_ROWS_A_SECOND
    while not progress.complete:
        missing = await messages.uncommitted(queue, group, ends)
        progress.saw(perf_counter() - began, count - missing)
        if not writer.running:
            raise JobFailed(f"the writer ended: {last_lines(writer.log, 0)}")
        if progress.whole_s > limit_s:
            raise JobFailed(f"{missing} messages are not committed in time: {last_lines(writer.log, 0)}")
        await asyncio.sleep(_LOOK_EVERY_S)
    return progress


def _batches(writer: Writer) -> int:
    """How many batches it made of the rows, from its metrics."""
    with urllib.request.urlopen(f"http://127.0.0.1:{writer.port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    found = re.search(r'^sluice_batch_rows_count\{table="logs"\} ([0-9.e+]+)$', text, re.MULTILINE)
    return max(1, int(float(found[1]))) if found else 1


def _check_rows(clickhouse: ClickHouse, phase: Phase, rows: int) -> None:
    count = f"SELECT count() FROM `{phase.logs.table.name}`"  # noqa: S608 - the name is a signal's
    ((there,),) = clickhouse.query(count)
    if there != rows:
        raise JobFailed(f"the writer committed {rows:,} rows, the table holds {there:,}")


def _disk_bytes(clickhouse: ClickHouse, table: str) -> int:
    """Bytes of the active parts, once nothing is merged any more (bounded)."""
    where = {"database": clickhouse.database, "table": table}
    merging = "SELECT count() FROM system.merges WHERE database = %(database)s AND table = %(table)s"
    deadline = monotonic() + _MERGES_S
    while clickhouse.query(merging, where)[0][0] and monotonic() < deadline:
        sleep(0.2)
    parts = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = %(database)s AND table = %(table)s"
    return int(clickhouse.query(parts, where)[0][0])
