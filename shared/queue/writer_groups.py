"""Which consumer group writes the lanes of a topic (delivery.md, "A group a signal")."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from shared.queue.base import Lane, Position, Queue

SIGNAL = "{signal}"
_OF_EACH = f".{SIGNAL}"


@dataclass(frozen=True)
class WriterGroups:
    """The groups that `SLUICE_WRITER_GROUP` names. `signals`: topic -> the name of its signal."""

    name: str
    signals: Mapping[str, str] = field(default_factory=dict)

    def of(self, topic: str) -> str:
        """The group that writes this topic."""
        return self.name.replace(SIGNAL, self.signals[topic]) if SIGNAL in self.name else self.name

    @property
    def former(self) -> str:
        """The one group that wrote all signals before each had its own: `x` for `x.{signal}`. Empty for none."""
        one = self.name.removesuffix(_OF_EACH)
        return "" if SIGNAL in one or one == self.name else one

    @property
    def all(self) -> frozenset[str]:
        return frozenset({self.of(topic) for topic in self.signals} or {self.name})

    def topics(self, topics: Iterable[str]) -> dict[str, list[str]]:
        """Group -> those of these topics that it writes."""
        found: dict[str, list[str]] = {}
        for topic in topics:
            found.setdefault(self.of(topic), []).append(topic)
        return found

    async def committed(self, queue: Queue, lanes: Collection[Lane]) -> dict[Lane, Position | None]:
        """What each lane's group has committed; where it has nothing, what the former group has: its writers go on from
        there. Raises `QueueUnavailable`."""
        own = await self._own(queue, lanes)
        new = [lane for lane, position in own.items() if position is None]
        return own | (await queue.committed(self.former, new) if self.former and new else {})

    async def left_over(self, queue: Queue, lanes: Collection[Lane]) -> list[Lane]:
        """The lanes that nobody has taken over from the former group yet. Raises `QueueUnavailable`."""
        own = await self._own(queue, lanes)
        found = await queue.committed(self.former, lanes) if self.former else {}
        return [lane for lane, position in found.items() if position is not None and own[lane] is None]

    async def _own(self, queue: Queue, lanes: Collection[Lane]) -> dict[Lane, Position | None]:
        lanes_of: dict[str, list[Lane]] = {}
        for lane in lanes:
            lanes_of.setdefault(self.of(lane.topic), []).append(lane)
        found = await asyncio.gather(*(queue.committed(group, of_group) for group, of_group in lanes_of.items()))
        return {lane: position for of_group in found for lane, position in of_group.items()}
