"""One migration from beginning to end."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.clients.postgres import create_database, locked
from shared.migrations.clickhouse import migrate_clickhouse
from shared.migrations.postgres import migrate_postgres
from shared.queue import open_queue
from shared.queue.base import TopicSpec
from shared.registry import Registry
from shared.settings import BadSetting, Settings, Topics
from shared.signals.base import Signal, Table
from shared.token_windows import TokenWindows, token_windows

LOCK = "sluice:migrate"
LOCK_WAIT_S = 600.0
"""Another migration may be waiting for a long ALTER."""


@dataclass(frozen=True)
class Report:
    """What was done, what was left alone because it would have taken something away, what could not be done because
    a table differs in what no ALTER changes, and what waits until something else is built; a sentence each."""

    done: list[str]
    left_alone: list[str]
    conflicts: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)


async def migrate(settings: Settings, registry: Registry, *, allow_destructive: bool = False) -> Report:
    """Bring all three stores up to date. A second run finds nothing to do; of two at once the second waits.

    Nothing is taken away without `allow_destructive`: no column, index, projection, and no row by a changed TTL.
    A table that conflicts keeps nothing else from being brought up to date.

    Raises:
        PostgresUnavailable, ClickHouseError, QueueUnavailable: that store is away; a second run continues there.
        NewerDatabase: a newer version has been here.
        LockHeld: another migration has been running for ten minutes.
    """
    url = settings.services.postgres_url
    done = ["Postgres: created the database"] if await create_database(url) else []
    async with locked(url, LOCK, wait_s=LOCK_WAIT_S) as postgres:
        done += await migrate_postgres(postgres)
        queue = open_queue(settings)
        try:
            changes = await asyncio.to_thread(
                migrate_clickhouse,
                settings.services.clickhouse_url,
                tables(registry, settings, await token_windows(queue, settings, registry)),
                settings.storage,
                fsync=settings.writer.fsync,
                allow_destructive=allow_destructive,
            )
            done += changes.done
            created = await queue.create_topics(wanted_topics(registry, settings.topics))
        finally:
            await queue.close()
        done += [f"queue: created the topic {name}" for name in created]
    return Report(done, changes.left_alone, changes.conflicts, changes.waiting)


def tables(registry: Registry, settings: Settings, windows: TokenWindows) -> list[Table]:
    """The tables of all signals, with what settings and topics add to them."""
    searched = (table.searched_by(settings.search.index) for table in registry.tables)
    return [table.remembering(windows.wanted(table.name)) for table in searched]


def wanted_topics(registry: Registry, topics: Topics) -> list[TopicSpec]:
    """All that a migration makes."""
    return topic_specs(registry.with_overflow, topics)


def topic_specs(signals: Iterable[Signal], topics: Topics) -> list[TopicSpec]:
    """Each one's topic, and its topic of dead letters: compacted by the source's coordinates, kept for ever
    (delivery.md, "What a dead letter holds"). Raises `BadSetting`."""
    signals = list(signals)
    if unknown := topics.partitions.of_signals.keys() - {signal.full_name for signal in signals}:
        raise BadSetting(f"SLUICE_TOPICS_PARTITIONS={topics.partitions}: there is no signal {min(unknown)!r}")
    retention_ms, most = topics.retention_hours * 3_600_000, topics.max_message_bytes
    specs = []
    for signal in signals:
        specs.append(TopicSpec(signal.topic, topics.partitions.of(signal.full_name), retention_ms, most))
        # A letter is the message that could not be stored, and its story: larger than the message.
        specs.append(TopicSpec(signal.dead_letter_topic, 1, retention_ms, 2 * most, compacted=True))
    return specs
