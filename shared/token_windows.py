"""How many inserted blocks a table must remember by token (operating.md, "The deduplication window")."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from shared.partitions import Partitions
from shared.queue.base import Queue, QueueError
from shared.registry import Registry
from shared.settings import Settings, Writer

_SERVER_WAITS_S = 300
"""How long a server keeps an insert whose client stalls: its `receive_timeout`."""

_ROOM = 4
"""Batches lie in several table partitions, shards get lanes unevenly, and topics get more partitions."""

_STEP = 10_000


@dataclass(frozen=True)
class TokenWindows:
    """The windows that writers of these settings need. `partitions`: topic -> how many it has; a topic that is missing
    counts with what it will be made with, `new`."""

    registry: Registry
    writer: Writer
    new: Partitions
    partitions: Mapping[str, int]

    def lanes(self, table: str) -> int:
        """Partitions of all topics whose rows a table holds."""
        signals = [signal for signal in self.registry.with_overflow if signal.table.name == table]
        return sum(self.partitions.get(each.topic, self.new.of(each.full_name)) for each in signals)

    def needed(self, table: str, shards: int = 1) -> int:
        """Blocks that a table takes in each shard while a batch may still be sent again."""
        writer, lanes = self.writer, ceil(self.lanes(table) / shards)
        return ceil(lanes / writer.batch_age_s * (writer.insert_timeout_s + _SERVER_WAITS_S + writer.backoff_max_s))

    def wanted(self, table: str) -> int:
        """Blocks that a migration makes a table remember."""
        return _STEP * ceil(_ROOM * self.needed(table) / _STEP)


async def token_windows(
    queue: Queue, settings: Settings, registry: Registry, *, within_s: float | None = None
) -> TokenWindows:
    """For the topics as they are; as they will be made while the queue is away."""
    try:
        async with asyncio.timeout(within_s):
            lanes = await queue.lanes([signal.topic for signal in registry.with_overflow])
    except (QueueError, TimeoutError):
        lanes = []
    return TokenWindows(registry, settings.writer, settings.topics.partitions, Counter(lane.topic for lane in lanes))
