"""Seals validated records into envelopes and publishes them; returns when all of them are durable."""

import asyncio
import os
from collections.abc import Iterator
from time import perf_counter

import msgspec

from gateway.rejections import TooLarge, Unavailable
from gateway.validation.mending import MAX_RECORD_BYTES
from shared.envelope import Stamp, seal
from shared.metrics import Metrics
from shared.queue.base import MessageTooLarge, Producer, QueueUnavailable

CHUNK_BYTES = 900_000
"""A request with more bytes than this becomes several messages, none of them larger (02, "The gateway's side")."""

_split = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Publisher:
    """Publishes to one queue.

    1. `publish` returns only after the queue has acknowledged every message of the request.
    2. When it raises, the client is told to try again: some of the messages may be stored.
    """

    def __init__(self, producer: Producer, metrics: Metrics) -> None:
        self._producer = producer
        self._seconds = metrics.publish_seconds

    async def publish(self, topic: str, stamp: Stamp, records: bytes | msgspec.Raw) -> None:
        """Publish the records under this stamp. Raises `Unavailable`, `TooLarge`."""
        started = perf_counter()
        try:
            message = seal(stamp, records)
            if len(message) <= CHUNK_BYTES:
                await self._producer.publish(topic, message)
            else:
                key = os.urandom(8)  # one partition for all of them: the records keep their order
                messages = [seal(part, chunk) for part, chunk in chunks(stamp, records)]
                await asyncio.gather(*(self._producer.publish(topic, message, key) for message in messages))
        except QueueUnavailable as error:
            raise Unavailable from error
        except MessageTooLarge as error:
            raise TooLarge from error
        self._seconds.observe(perf_counter() - started)


def chunks(stamp: Stamp, records: bytes | msgspec.Raw) -> Iterator[tuple[Stamp, bytes]]:
    """Cut records into arrays that fit a message beside the stamp, in their order, each with a stamp of its own count.

    Raises `TooLarge`, before any of them, where the stamp leaves no room for the largest record: what a request says
    once for all of its records would stand in every message.
    """
    room = CHUNK_BYTES - len(seal(stamp, b""))
    if room < MAX_RECORD_BYTES:
        raise TooLarge
    part: list[bytes] = []
    size = first = 0
    for raw in _split(records):
        text = bytes(raw)
        if part and size + len(text) > room:
            yield _chunk(stamp, part, first)
            first, part, size = first + len(part), [], 0
        part.append(text)
        size += len(text) + 1
    yield _chunk(stamp, part, first)


def _chunk(stamp: Stamp, part: list[bytes], first: int) -> tuple[Stamp, bytes]:
    ids = stamp.event_ids[first : first + len(part)]
    changed = msgspec.structs.replace(stamp, n=len(part), event_ids=ids)
    return changed, b"".join((b"[", b",".join(part), b"]"))
