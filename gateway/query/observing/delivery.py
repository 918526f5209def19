"""What is observed of the records' way, for one project at a time."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.query.observing.lanes import Lanes
from gateway.query.observing.letters import Letters
from shared.clock import Clock
from shared.queue.base import Queue
from shared.queue.writer_groups import WriterGroups
from shared.registry import Registry


@dataclass(frozen=True)
class Delivery:
    """`signals`: a topic, of records or of dead letters -> the name of its signal."""

    lanes: Lanes
    letters: Letters
    signals: Mapping[str, str]

    @classmethod
    def of(cls, queue: Queue, groups: WriterGroups, registry: Registry, clock: Clock) -> "Delivery":
        """`groups`: the writers'. `close` it in the end."""
        signals = registry.with_overflow
        topics = {signal.topic: signal.name for signal in signals}
        dead = {signal.dead_letter_topic: signal.name for signal in signals}
        return cls(Lanes(queue, groups, topics, clock), Letters(queue, dead), topics | dead)

    async def close(self) -> None:
        await self.lanes.close()
        await self.letters.close()
