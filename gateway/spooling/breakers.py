"""The breakers of all topics: one topic without a leader keeps no other one from Kafka."""

import asyncio
from collections.abc import Iterable

from gateway.spooling.breaker import LOOK_S, Answers, Breaker, Watched
from gateway.spooling.transitions import Transitions
from shared.tasks import end


class Breakers:
    """A breaker for each topic: for those given, and for each other one from its first message on."""

    def __init__(self, producer: Watched, topics: Iterable[str], answers: Answers) -> None:
        self._producer = producer
        self._answers = answers
        self._all = {topic: Breaker(topic, producer, answers) for topic in topics}
        self._tasks: list[asyncio.Task[None]] = []
        self._told = Transitions("Kafka is away: what comes is spooled", "Kafka takes messages again")

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(each.watch()) for each in self._all.values()]
        self._tasks.append(asyncio.create_task(self._tell()))

    async def close(self) -> None:
        await end(*self._tasks)

    def of(self, topic: str) -> Breaker:
        return self._all.get(topic) or self._new(topic)

    def _new(self, topic: str) -> Breaker:
        made = self._all[topic] = Breaker(topic, self._producer, self._answers)
        self._tasks.append(asyncio.create_task(made.watch()))
        return made

    @property
    def open(self) -> list[str]:
        """The topics that are spooled."""
        return sorted(topic for topic, each in [*self._all.items()] if each.is_open)  # a scrape may be on a thread

    @property
    def may_drain(self) -> bool:
        """Whether Kafka answers for every topic."""
        return all(not each.is_open or each.may_probe for each in self._all.values())

    def drained(self) -> None:
        """Kafka has stored something of the spool, or nothing is in it: those that answer close."""
        for each in self._all.values():
            if each.may_probe:
                each.acknowledged()

    async def _tell(self) -> None:
        while True:
            self.tell()
            await asyncio.sleep(LOOK_S)

    def tell(self) -> None:
        """Log what has changed."""
        self._told.look(bool(self.open), topics=self.open)
