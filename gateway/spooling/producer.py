"""Kafka's producer with a spool behind it."""

from collections.abc import Awaitable, Callable

from gateway.spooling.breakers import Breakers
from gateway.spooling.transitions import Transitions
from shared.queue.base import GivenBack, NotStored, Published, QueueUnavailable
from shared.queue.kafka.producer import KafkaProducer
from shared.queue.spool.file import Spool


class SpoolingProducer:
    """A `Producer`. Spools what comes while its topic's breaker is open, and what Kafka certainly has not got then.

    1. A message whose outcome is unknown is never spooled: it may be in Kafka, and would be there twice.
    2. `publish` returns when others know that there is something in the spool, or could not be told soon.
    """

    def __init__(
        self, kafka: KafkaProducer, spool: Spool, breakers: Breakers, told: Callable[[], Awaitable[None]]
    ) -> None:
        """`told` is awaited after a message was spooled. It does not raise, and seldom waits."""
        self._kafka = kafka
        self._spool = spool
        self._breakers = breakers
        self._told = told
        self._refuses = Transitions("the spool takes no messages: requests get 503", "the spool takes messages again")

    async def start(self) -> None:
        await self._kafka.start()

    async def stop(self) -> None:
        await self._kafka.stop()

    @property
    def in_flight_bytes(self) -> int:
        return self._kafka.in_flight_bytes

    def check(self) -> None:
        self._kafka.check()

    async def publish(self, topic: str, value: bytes, key: bytes | None = None) -> Published:
        breaker = self._breakers.of(topic)
        if breaker.takes():
            try:
                published = await self._kafka.publish(topic, value, key)
            except GivenBack:
                pass  # another lane's acknowledgement may have closed the breaker meanwhile
            except NotStored:
                if not breaker.opens():
                    raise
            else:
                breaker.acknowledged()
                return published
        try:
            published = await self._spool.publish(topic, value, key)
        except QueueUnavailable as error:
            self._refuses.look(True, error=str(error))
            raise
        self._refuses.look(False)
        await self._told()
        return published
