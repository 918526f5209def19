"""The writer's limit, in a process of its own: prebuilt blocks into the final table with the same driver and the same
settings, and nothing else."""

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from time import perf_counter, process_time, time, time_ns
from urllib.parse import urlsplit

import msgspec

from deploy.bench.jobs import Running, serve
from deploy.bench.logs import arrays
from deploy.bench.messages import envelope
from shared import registry
from shared.clients.clickhouse import ClickHouse
from shared.queue.base import Lane, Message
from shared.signals.logs import SIGNAL as LOGS
from writer.converter import Converter
from writer.sink import INSERT_SETTINGS
from writer.wire.block import Block

DATABASE = "bench_limit"
DIFFERENT_BATCHES = 4
"""Built before the clock starts, then inserted in turn; a repeated one makes parts of its own."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """`clickhouse_url` names the database with the writer's table; `connections` work side by side."""

    clickhouse_url: str
    batches: int
    messages: int
    """In each batch."""
    logs: int
    """In each message."""
    connections: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """`cpu_s` is the driver's own."""

    rows: int
    batches: int
    seconds: float
    cpu_s: float

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds


def start(job: Job) -> Running[Outcome]:
    return Running("deploy.bench.insert_limit", job, Outcome, timeout_s=60 + job.batches * 5)


# In the process itself.


def block(batch: int, messages: int, logs: int) -> Block:
    """One batch as the writer's own conversion makes it."""
    lane = Lane(LOGS.topic, batch)
    converter = Converter(LOGS.table, registry.load().formats_of(LOGS))
    records = arrays(logs, messages, time(), seed=1000 + batch)
    entries = [
        converter.read(Message(offset, 0, None, envelope("bench", array, logs))) for offset, array in enumerate(records)
    ]
    return converter.convert(lane, entries, time_ns() // 1000).block


@contextmanager
def own_table(clickhouse_url: str) -> Iterator[None]:
    """An empty copy of the writer's table, made from the server's own description of it. It is dropped at the end: its
    merges would slow down the next measurement."""
    with closing(ClickHouse(clickhouse_url)) as clickhouse:
        ((ddl,),) = clickhouse.query(f"SHOW CREATE TABLE `{clickhouse.database}`.`{LOGS.table.name}`")
        mine = f"{DATABASE}.{LOGS.table.name}"
        clickhouse.query(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        clickhouse.query(f"DROP TABLE IF EXISTS {mine} SYNC")
        clickhouse.query(ddl.replace(f"{clickhouse.database}.{LOGS.table.name}", mine, 1))
        yield
        clickhouse.query(f"DROP TABLE {mine} SYNC")


def run(job: Job) -> Outcome:
    built = [block(batch, job.messages, job.logs) for batch in range(min(DIFFERENT_BATCHES, job.batches))]
    gc.collect()
    gc.freeze()
    url = urlsplit(job.clickhouse_url)._replace(path=f"/{DATABASE}").geturl()
    shares = [range(first, job.batches, job.connections) for first in range(job.connections)]
    with own_table(job.clickhouse_url), ThreadPoolExecutor(job.connections) as pool:
        began, cpu = perf_counter(), process_time()
        list(pool.map(partial(_insert, url, built), shares))
        seconds, cpu = perf_counter() - began, process_time() - cpu
    return Outcome(rows=job.batches * job.messages * job.logs, batches=job.batches, seconds=seconds, cpu_s=cpu)


def _insert(url: str, built: list[Block], numbers: range) -> None:
    """The batches of these numbers, one after the other over one connection. Each has a token: without one
    ClickHouse would take a batch that comes again for a repeated try."""
    with closing(ClickHouse(url)) as clickhouse:
        for number in numbers:
            settings = {**INSERT_SETTINGS, "insert_deduplication_token": f"limit:{number}"}
            clickhouse.insert(f"{DATABASE}.{LOGS.table.name}", built[number % len(built)].columns, settings)


if __name__ == "__main__":
    serve(Job, run)
