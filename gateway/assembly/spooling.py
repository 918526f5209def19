"""The parts of the role ingest that has a spool."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.assembly.common import Common
from shared.failpoints import Failpoints
from shared.metrics import SpoolGauges
from shared.queue.base import TopicSpec
from shared.settings import BadSetting, Settings
from shared.spools import Spools

if TYPE_CHECKING:
    from gateway.spooling.producer import SpoolingProducer


WAITS = 3
"""A message waits for a connection, in a batch, and for the disk: each time for the publish time-out at most."""


def spooling_producer(common: Common) -> "SpoolingProducer | None":
    """Kafka's producer with a spool behind it, where there is one. Raises `BadSetting`: the queue is not Kafka."""
    folder = common.config.gateway.spool
    return None if folder is None else _producer(common, folder)


def _producer(common: Common, folder: Path) -> "SpoolingProducer":
    # Here, not above: a gateway with the embedded queue never loads Kafka's client.
    from gateway.spooling.breakers import Breakers
    from gateway.spooling.keeper import Keeper
    from gateway.spooling.notes import Notes
    from gateway.spooling.producer import SpoolingProducer
    from shared.queue.kafka import KafkaQueue
    from shared.queue.spool.aside import NAME
    from shared.queue.spool.drain import Drain
    from shared.queue.spool.file import Spool, limits_of

    config, queue = common.config, common.queue
    if not isinstance(queue, KafkaQueue):
        raise BadSetting(
            "SLUICE_GATEWAY_SPOOL is for Kafka: the embedded queue is a file on this machine's disk itself"
        )
    topics = frozenset(signal.topic for signal in common.registry.with_overflow)
    usual, kafka = [signal.topic for signal in common.registry.signals.values()], queue.producer()
    breakers = Breakers(kafka, usual, lambda topic: queue.ping([topic]))  # others may have to be made by a migration
    spool = Spool(folder / NAME, limits_of(config))
    reach = Failpoints(os.environ.get("SLUICE_FAILPOINT", "")).reach
    drain = Drain(spool, queue, reach, bytes_s=config.gateway.spool_drain_bytes_s)
    gauges = SpoolGauges(common.metrics.registry, lambda: bool(breakers.open))
    notes = Notes(spool, gauges, Spools(common.postgres), waited_s=WAITS * config.gateway.publish_timeout_s)
    keeper = Keeper(spool, _specs(config, topics), drain, breakers, notes)
    common.checks["spool"] = keeper.check
    common.life.check.append(keeper.open)
    common.life.start += (breakers.start, keeper.start)
    common.life.stop += (breakers.close, keeper.close)
    return SpoolingProducer(kafka, spool, breakers, notes.told)


def _specs(config: Settings, topics: Iterable[str]) -> list[TopicSpec]:
    """One lane a topic, for messages that Kafka will take."""
    from shared.queue.kafka.producer import OVERHEAD_BYTES, compressible

    largest = compressible(config.topics.max_message_bytes) - OVERHEAD_BYTES
    return [TopicSpec(name, 1, config.topics.retention_hours * 3_600_000, largest) for name in sorted(topics)]
