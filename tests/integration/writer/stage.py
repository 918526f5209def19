"""A stage for the writer: a topic with one lane, real tables, writers in this process or in their own."""

import asyncio
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from shared.clients.clickhouse import ClickHouse, database_of
from shared.envelope import VERSION, Stamp, seal
from shared.formats.base import Columns, Rows
from shared.metrics import Metrics
from shared.queue import open_queue
from shared.queue.base import Epoch, Lane, Message, Position, Producer, Queue, TopicSpec
from shared.registry import Registry, load
from shared.settings import Writer as WriterSettings
from shared.settings import load as load_settings
from shared.signals.base import create_table
from tests.faults.proxy import Proxy
from tests.topics import topic_spec
from writer.dead_letters import Letter
from writer.failpoints import Failpoints
from writer.loop import WriterLoop
from writer.sink import Sink

NOW_US = time.time_ns() // 1000
ROOT = Path(__file__).parents[3]


def stamp(n: int, **fields: Any) -> Stamp:
    usual = {"v": VERSION, "format": "deeptracer.logs", "project_id": "p1", "received_at": NOW_US, "retention_days": 30}
    return Stamp(**{**usual, "n": n, **fields})


def logs(*messages: str, **fields: Any) -> bytes:
    """A queue message with one log a text."""
    records = msgspec.json.encode([{"level": "info", "message": message} for message in messages])
    return seal(stamp(len(messages), **fields), records)


def with_format(registry: Registry, name: str, **changes: Any) -> Registry:
    """The registry with one format changed."""
    return Registry(registry.signals, {**registry.formats, name: replace(registry.formats[name], **changes)})


def strict(registry: Registry) -> Registry:
    """The registry with a format that can't convert logs of the message 'odd'."""
    usual = registry.formats["deeptracer.logs"]

    def columns(rows: Rows) -> Columns:
        if any(record.message == "odd" for record in rows.records):
            raise ValueError("an odd one")
        return usual.columns(rows)

    return with_format(registry, usual.name, columns=columns)


async def until(true: Callable[[], Any], *, within_s: float = 60.0, what: str = "") -> None:
    """Return as soon as it is true; fail the test when it takes too long."""
    deadline = time.monotonic() + within_s
    while not (true() if not asyncio.iscoroutinefunction(true) else await true()):
        assert time.monotonic() < deadline, what or "it did not come true in time"
        await asyncio.sleep(0.02)


@dataclass
class Stage:
    """What a test acts on. Topics have one partition, so that offsets are known."""

    queue_url: str
    clickhouse_url: str
    prefix: str
    session_s: float
    folder: Path
    registry: Registry = field(init=False)
    queue: Queue = field(init=False)
    producer: Producer = field(init=False)
    group: str = field(init=False)

    async def __aenter__(self) -> "Stage":
        self.registry = load(None, self.prefix)
        self.group = f"{self.prefix}writers"
        session = {"SLUICE_WRITER_SESSION_TIMEOUT_S": str(self.session_s)}
        self.queue = open_queue(load_settings({"SLUICE_QUEUE_URL": self.queue_url, **session}))
        self.producer = self.queue.producer()
        await self.producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.producer.stop()
        await self.queue.close()

    # Making things.

    async def make(self, *signals: str, tables: bool = True, partitions: int = 1) -> None:
        """The topics of these signals, and their tables."""
        specs: list[TopicSpec] = []
        for name in signals:
            made = self.registry.signals[name]
            specs.append(topic_spec(made.topic, partitions=partitions))
            specs.append(topic_spec(made.dead_letter_topic, partitions=1, compacted=True, max_message_bytes=3_000_000))
            if tables:
                self.make_table(name)
        await self.queue.create_topics(specs)

    def make_table(self, name: str) -> None:
        table = self.registry.signals[name].table
        self.query(create_table(table, self.database))

    async def publish(self, *values: bytes, signal: str = "logs") -> None:
        """In this order."""
        topic = self.registry.signals[signal].topic
        await asyncio.gather(*(self.producer.publish(topic, value) for value in values))

    # Looking at things.

    @property
    def database(self) -> str:
        return database_of(self.clickhouse_url)

    def lane(self, signal: str = "logs") -> Lane:
        return Lane(self.registry.signals[signal].topic, 0)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        client = ClickHouse(self.clickhouse_url)
        try:
            return client.query(sql)
        finally:
            client.close()

    def messages(self) -> list[str]:
        """The texts of all logs that are stored, sorted; a row that is there twice is in it twice."""
        return sorted(text for (text,) in self.query("SELECT message FROM logs"))

    def count(self, table: str = "logs") -> int:
        return int(self.query(f"SELECT count() FROM {table}")[0][0])

    async def committed(self, signal: str = "logs") -> Position | None:
        return (await self.queue.committed(self.group, [self.lane(signal)]))[self.lane(signal)]

    async def letters(self, signal: str = "logs") -> list[Letter]:
        lane = Lane(self.registry.signals[signal].dead_letter_topic, 0)
        (end,) = (await self.queue.end_offsets([lane])).values()
        newest: dict[bytes | None, Message] = {}
        async for chunk in self.queue.read(lane, 0, end):
            newest |= {message.key: message for message in chunk}
        return [msgspec.json.decode(message.value, type=Letter) for message in newest.values()]

    async def until_committed(self, offset: int, signal: str = "logs", within_s: float = 60.0) -> None:
        """Wait until everything below `offset` is stored, and nothing is planned."""
        deadline = time.monotonic() + within_s
        while (position := await self.committed(signal)) != Position(offset):
            assert time.monotonic() < deadline, f"committed: {position}, wanted: {offset}"
            await asyncio.sleep(0.02)

    async def commit(self, position: Position, signal: str = "logs") -> None:
        """Commit by hand, as an operator would reset offsets; no writer must be running."""
        listener = _Assigned()
        consumer = self.queue.consumer(self.group, [self.lane(signal).topic], listener)
        await consumer.start()
        while self.lane(signal) not in consumer.epochs():
            await consumer.receive([], timeout_s=0.05)
        await consumer.commit(self.lane(signal), position, consumer.epochs()[self.lane(signal)])
        await consumer.stop()

    # Writers.

    def settings(self, **fields: Any) -> WriterSettings:
        usual = {
            "group": self.group,
            "batch_age_s": 0.05,
            "backoff_max_s": 0.2,
            "session_timeout_s": self.session_s,
            "shutdown_s": 10.0,
        }
        return WriterSettings(**{**usual, **fields})

    @asynccontextmanager
    async def writer(
        self, *signals: str, clickhouse_url: str = "", registry: Registry | None = None, **fields: Any
    ) -> AsyncIterator["Running"]:
        """A writer in this process, stopped in order at the end."""
        settings, registry = self.settings(**fields), registry or self.registry
        sink = Sink(clickhouse_url or self.clickhouse_url, threads=settings.insert_threads, timeout_s=30.0)
        metrics = Metrics()
        chosen = [registry.signals[name] for name in signals or ("logs",)]
        loop = WriterLoop(self.queue, sink, registry, chosen, settings, metrics, Failpoints())
        running = Running(loop, metrics)
        task = asyncio.create_task(loop.run(running.stop))
        try:
            yield running
        finally:
            running.stop.set()
            try:
                await task
            finally:
                await asyncio.to_thread(sink.close)

    def spawn(self, *signals: str, failpoint: str = "", clickhouse_url: str = "", **variables: Any) -> "Process":
        """A writer in a process of its own."""
        set_here = {
            "QUEUE_URL": self.queue_url,
            "CLICKHOUSE_URL": clickhouse_url or self.clickhouse_url,
            "TOPICS_PREFIX": self.prefix,
            "FAILPOINT": failpoint,
            "WRITER_GROUP": self.group,
            "WRITER_BATCH_AGE_S": 0.05,
            "WRITER_BACKOFF_MAX_S": 0.2,
            "WRITER_SESSION_TIMEOUT_S": self.session_s,
            "WRITER_SHUTDOWN_S": 10,
            **variables,
        }
        env = {**os.environ, **{f"SLUICE_{name}": str(value) for name, value in set_here.items()}}
        return Process(list(signals or ("logs",)), env, self.folder / f"writer-{time.monotonic_ns()}.log")

    async def freeze(self, process: "Process") -> None:
        """Stop a process (SIGSTOP) at a moment when it doesn't hold the queue file's lock: the others need it."""
        file = self.queue_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            process.send(signal.SIGSTOP)
            await process.frozen()
            db.execute("ROLLBACK")


class _Assigned:
    def assigned(self, lanes: frozenset[Lane]) -> None: ...

    def revoked(self, lanes: frozenset[Lane]) -> None: ...


class Running:
    """A writer of this process."""

    def __init__(self, loop: WriterLoop, metrics: Metrics) -> None:
        self.loop = loop
        self.metrics = metrics
        self.stop = asyncio.Event()

    def sample(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    @property
    def lanes(self) -> list[Lane]:
        """The lanes that it owns and has a position in, sorted."""
        states = self.loop.states()
        return [Lane(state["topic"], state["partition"]) for state in states if state["committed"] is not None]

    def waits_for(self, lane: Lane) -> dict[str, Any]:
        """What a lane says that it waits for."""
        states = {(state["topic"], state["partition"]): state["waiting"] for state in self.loop.states()}
        return dict(states.get(tuple(lane), {}))


class Process:
    """A writer process; killed at the end of a `with`."""

    def __init__(self, signals: Sequence[str], env: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "shared.cli", "writer", *signals],
                env=env,
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def ended(self, within_s: float = 60.0) -> int:
        """The exit code; negative for the signal that ended it."""
        deadline = time.monotonic() + within_s
        while (code := self._process.poll()) is None:
            assert time.monotonic() < deadline, f"it runs on:\n{self.log}"
            await asyncio.sleep(0.02)
        return code

    async def frozen(self, within_s: float = 60.0) -> None:
        """Wait until it is stopped (SIGSTOP)."""
        stat = Path(f"/proc/{self._process.pid}/stat")
        await until(lambda: stat.read_text().rsplit(")", 1)[1].split()[0] == "T", within_s=within_s, what=self.log)

    async def metrics(self) -> str:
        """What /metrics says."""
        port = re.search(r'"metrics_port": (\d+)', self.log)
        assert port, self.log
        return (await http_get(int(port[1]), "/metrics"))[1]


async def http_get(port: int, path: str) -> tuple[int, str]:
    """(status, body) of a request to 127.0.0.1."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split()[1]), body


__all__ = ["Awaitable", "Epoch", "Proxy", "Stage", "http_get", "logs", "stamp", "until"]
