"""Which consumer group writes the lanes of a topic (delivery.md, "A group a signal")."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from shared.queue.base import Lane, Position, Queue
from shared.signals.base import OVERFLOW

SIGNAL = "{signal}"
_OF_EACH = f".{SIGNAL}"


@dataclass(frozen=True)
class WriterGroups:
    """The groups that `SLUICE_WRITER_GROUP` names. `signals`: topic -> the full name of its signal.

    Overflow topics never share a group with others: whatever befalls their writers, it moves no other lane.
    """

    name: str
    signals: Mapping[str, str] = field(default_factory=dict)

    def of(self, topic: str) -> str:
        """The group that writes this topic."""
        if SIGNAL in self.name:
            return self.name.replace(SIGNAL, self.signals[topic])
        return self._of_all(self.name, topic)

    @property
    def former(self) -> str:
        """The one group that wrote all signals before each had its own: `x` for `x.{signal}`. Empty for none."""
        one = self.name.removesuffix(_OF_EACH)
        return "" if SIGNAL in one or one == self.name else one

    def other(self, topic: str) -> str:
        """The other group that may have written this topic: `x` for `x.{signal}`, and the other way round. Empty for
        none."""
        if SIGNAL in self.name:
            return self.former and self._of_all(self.former, topic)
        return f"{self.name}.{self.signals[topic]}"

    @property
    def others(self) -> frozenset[str]:
        return frozenset(self.other(topic) for topic in self.signals) - {""}

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
        new = [lane for lane, position in own.items() if position is None and self.former]
        return own | await _committed(queue, {lane: self.other(lane.topic) for lane in new})

    async def left_over(self, queue: Queue, lanes: Collection[Lane]) -> list[Lane]:
        """The lanes that nobody has taken over from their other group yet. Raises `QueueUnavailable`."""
        own = await self._own(queue, lanes)
        new = [lane for lane, position in own.items() if position is None and self.other(lane.topic)]
        found = await _committed(queue, {lane: self.other(lane.topic) for lane in new})
        return [lane for lane, position in found.items() if position is not None]

    def _of_all(self, one: str, topic: str) -> str:
        """The group `one` of all signals, or the one of their overflow topics."""
        return one + OVERFLOW if self.signals.get(topic, "").endswith(OVERFLOW) else one

    async def _own(self, queue: Queue, lanes: Collection[Lane]) -> dict[Lane, Position | None]:
        return await _committed(queue, {lane: self.of(lane.topic) for lane in lanes})


async def _committed(queue: Queue, groups: Mapping[Lane, str]) -> dict[Lane, Position | None]:
    """What each lane's group has committed."""
    lanes_of: dict[str, list[Lane]] = {}
    for lane, group in groups.items():
        lanes_of.setdefault(group, []).append(lane)
    found = await asyncio.gather(*(queue.committed(group, lanes) for group, lanes in lanes_of.items()))
    return {lane: position for of_group in found for lane, position in of_group.items()}


def is_overflow(topic: str) -> bool:
    """Whether it is one of the topics that messages take of projects which send more than their share."""
    return topic.endswith(OVERFLOW)
