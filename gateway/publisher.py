"""Publishes the messages of a request; returns when all of them are durable."""

import asyncio
from collections.abc import Sequence
from time import perf_counter

from gateway.rejections import TooLarge, Unavailable
from gateway.sealing import Message
from shared.metrics import Metrics
from shared.queue.base import MessageTooLarge, Producer, QueueUnavailable


class Publisher:
    """Publishes to one queue.

    1. `publish` returns only after the queue has acknowledged every message of the request.
    2. When it raises, the client is told to try again: some of the messages may be stored.
    """

    def __init__(self, producer: Producer, metrics: Metrics) -> None:
        self._producer = producer
        self._seconds = metrics.publish_seconds

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish all messages, each to its topic. Raises `Unavailable`, `TooLarge`."""
        started = perf_counter()
        try:
            if len(messages) == 1:
                await self._producer.publish(*messages[0])
            else:
                await asyncio.gather(*(self._producer.publish(*message) for message in messages))
        except QueueUnavailable as error:
            raise Unavailable from error
        except MessageTooLarge as error:
            raise TooLarge from error
        self._seconds.observe(perf_counter() - started)
