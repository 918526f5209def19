"""A stage for the writer: a topic with one lane, real tables, writers in this process or in their own."""

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from shared.clients.clickhouse import ClickHouse, database_of
from shared.clients.postgres import Postgres
from shared.failpoints import Failpoints
from shared.hourly_counts import HourlyCounts
from shared.letters import Letter
from shared.metrics import Metrics
from shared.queue import open_queue
from shared.queue.base import Lane, Message, Position, Producer, Queue, TopicSpec
from shared.queue.writer_groups import WriterGroups
from shared.registry import Registry, load
from shared.settings import Writer as WriterSettings
from shared.settings import load as load_settings
from shared.signals.base import create_table
from tests.integration.writer.writer_process import Process
from tests.topics import topic_spec
from writer.loop import Neighbours, WriterLoop
from writer.rules_book import RulesBook
from writer.sink import Sink


@dataclass
class Stage:
    """What a test acts on. Topics have one partition, so that offsets are known."""

    queue_url: str
    clickhouse_url: str
    prefix: str
    session_s: float
    folder: Path
    postgres_url: str = "postgresql://nobody@127.0.0.1:1/none"
    """Only grouping rules need it."""
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

    @property
    def groups(self) -> WriterGroups:
        return self.registry.groups(self.group)

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
        lane = self.lane(signal)
        return (await self.queue.committed(self.groups.of(lane.topic), [lane]))[lane]

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
        consumer = self.queue.consumer(self.groups.of(self.lane(signal).topic), [self.lane(signal).topic], listener)
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
        postgres = Postgres(self.postgres_url, connections=1)
        neighbours = Neighbours(self.queue, sink, RulesBook(postgres), HourlyCounts(postgres))
        loop = WriterLoop(neighbours, registry, chosen, settings, metrics, Failpoints())
        running = Running(loop, metrics)
        task = asyncio.create_task(loop.run(running.stop))
        try:
            yield running
        finally:
            running.stop.set()
            try:
                await task
            finally:
                await neighbours.rules.close()
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
