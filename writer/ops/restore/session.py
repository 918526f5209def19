"""One topic opened for replay or redrive: its lock, its table checked, and what a run works with."""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.audit import Deed, audit_command
from shared.clients.postgres import locked
from shared.failpoints import Failpoints
from shared.letters import Letter
from shared.metrics import Metrics
from shared.queue.base import Producer
from shared.settings import Settings
from shared.signals.base import Signal
from writer.converter import Converter
from writer.dead_letters import DeadLetters
from writer.ops.operator import Operator
from writer.ops.progress import Voice
from writer.ops.restore.guard import LOCK_WAIT_S, Guard, lock_name
from writer.ops.restore.restorer import RestoreDeps, Restorer
from writer.rules_book import RulesBook
from writer.sink import Sink
from writer.waiting import Waiting

_THREADS = 2
"""A table takes half of them: one insert at a time."""


@dataclass(frozen=True)
class Session:
    """What is open while the topic's lock is held."""

    converter: Converter
    rules: RulesBook
    restorer: Restorer
    waiting: Waiting
    letters: DeadLetters
    failpoints: Failpoints

    async def publish(self, topic: str, letters: list[Letter]) -> None:
        """Publish letters, with as many tries as it takes."""
        now_ms = time.time_ns() // 1_000_000
        await self.waiting.until_done("dead letters", lambda: self.letters.publish(topic, letters, now_ms))


def run_id(now: datetime) -> str:
    """A name that no other run has; it shows when this one began."""
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


@asynccontextmanager
async def opened(
    operator: Operator,
    signal: Signal,
    voice: Voice,
    failpoints: Failpoints,
    *,
    deed: Deed | None,
    rewrite: bool = False,
) -> AsyncIterator[Session]:
    """Hold the topic's lock while the block runs. `deed`: what is written to the audit log before; None: nothing is
    changed.

    Raises:
        LockHeld: another replay or redrive works on this topic.
        PostgresUnavailable: without it there is no lock.
        MissingTable, UnfitTable, ClickHouseError: the table can't be written to now.
    """
    settings = operator.settings
    writer = settings.writer
    waiting = Waiting(voice, metrics := Metrics(), max_s=writer.backoff_max_s)
    sink = _sink(settings, signal)
    producer: Producer = operator.queue.producer()
    rules = operator.rules_book()
    try:
        await sink.check(signal.table)
        async with locked(settings.services.postgres_url, lock_name(signal.topic), wait_s=LOCK_WAIT_S) as connection:
            guard = Guard(connection, operator.queue, operator.groups)
            run = run_id(datetime.now(UTC))
            deps = RestoreDeps(sink, rules, guard, waiting, metrics, failpoints, run)
            converter = Converter(signal.table, operator.registry.formats_of(signal))
            restorer = Restorer(signal.table, converter, deps, rewrite=rewrite)
            await restorer.alone()
            await producer.start()
            if deed is not None:
                await audit_command(connection, deed)
            try:
                yield Session(converter, rules, restorer, waiting, DeadLetters(producer), failpoints)
            finally:
                await producer.stop()
    finally:
        await rules.close()
        sink.abort()
        await asyncio.to_thread(sink.close)


def _sink(settings: Settings, signal: Signal) -> Sink:
    timeout_s, comment = settings.writer.insert_timeout_s, f"sluice restores {signal.topic}"
    return Sink(
        settings.services.clickhouse_url,
        threads=_THREADS,
        timeout_s=timeout_s,
        comment=comment,
        storage=settings.storage,
    )


def failpoints_of_environment() -> Failpoints:
    """Set by tests to have this process killed."""
    return Failpoints(os.environ.get("SLUICE_FAILPOINT", ""))
