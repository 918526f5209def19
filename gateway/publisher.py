"""Seals the parts of a request into queue messages and publishes them; returns when all of them are durable."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import NamedTuple

import msgspec

from gateway.ids import uuid7
from gateway.rejections import TooLarge, Unavailable
from gateway.validation.parts import Part
from gateway.validation.sizes import MAX_RECORD_BYTES
from shared.envelope import VERSION, Stamp, seal
from shared.fingerprint import CURRENT as FINGERPRINT_VERSION
from shared.formats.codec import Codec, Payload
from shared.keys import ResolvedKey
from shared.metrics import Metrics
from shared.queue.base import MessageTooLarge, Producer, QueueUnavailable

CHUNK_BYTES = 900_000
"""A request with more bytes than this becomes several messages, none of them larger (02, "The gateway's side")."""


class Message(NamedTuple):
    """What the queue gets: messages with the same key go to one partition."""

    topic: str
    value: bytes
    key: bytes | None = None


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


def stamp_of(part: Part, key: ResolvedKey, now_us: int) -> Stamp:
    """The stamp of a part, which names the events that the client left unnamed. `now_us`: microseconds since 1970."""
    event_ids: tuple[str, ...] = ()
    if part.event_ids:
        event_ids = tuple(sent or uuid7(now_us // 1000) for sent in part.event_ids)
    return Stamp(
        v=VERSION,
        format=part.format.name,
        project_id=key.project_id,
        received_at=now_us,
        retention_days=key.retention_days,
        n=part.n,
        service=part.service,
        environment=part.environment,
        release=part.release,
        event_ids=event_ids,
        fingerprint_version=FINGERPRINT_VERSION if event_ids else 0,
    )


def messages(topic: str, stamp: Stamp, payload: Payload, codec: Codec) -> list[Message]:
    """The messages of a payload behind its stamp, nearly always one. Raises `TooLarge`."""
    message = seal(stamp, payload)
    if len(message) <= CHUNK_BYTES:
        return [Message(topic, message)]
    key = os.urandom(8)  # one partition for all of them: the records keep their order
    return [Message(topic, seal(part, chunk), key) for part, chunk in chunks(stamp, payload, codec)]


def chunks(stamp: Stamp, payload: Payload, codec: Codec) -> Iterator[tuple[Stamp, bytes]]:
    """Cut records into payloads that fit a message beside the stamp, in order, each with a stamp of its own count.

    Raises `TooLarge`, before any of them, where the stamp leaves no room for the largest record: what a request says
    once for all of its records would stand in every message.
    """
    room = CHUNK_BYTES - len(seal(stamp, b""))
    if room < MAX_RECORD_BYTES:
        raise TooLarge
    first = 0
    for part, n in codec.cut(payload, room):
        ids = stamp.event_ids[first : first + n]
        yield msgspec.structs.replace(stamp, n=n, event_ids=ids), part
        first += n
