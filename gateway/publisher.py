"""Seals the parts of a request into queue messages and publishes them; returns when all of them are durable."""

import asyncio
import os
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import msgspec

from gateway.ids import uuid7
from gateway.overflow import Overflow
from gateway.rejections import TooLarge, Unavailable
from gateway.validation.parts import Part
from gateway.validation.sizes import MAX_RECORD_BYTES
from shared.envelope import VERSION, WITH_RULES, Stamp, seal
from shared.event_ids import stored_id
from shared.fingerprint import CURRENT as FINGERPRINT_VERSION
from shared.keys import ResolvedKey
from shared.metrics import Metrics
from shared.queue.base import MessageTooLarge, NotStored, Producer, QueueUnavailable
from shared.registry import Registry
from shared.tracing import Tracer

CHUNK_BYTES = 900_000
"""A request with more bytes than this becomes several messages, none of them larger (delivery.md, "Chunks")."""

FAILING_S = 5.0
"""How long after a failed publish the process counts as not ready, unless another one is stored."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode

Message = tuple[str, bytes, bytes | None]
"""(topic, value, key): messages with the same key go to one partition."""


Accepted = tuple[list[Stamp], bool]
"""The stamp of each part of a request, and whether some of it waits on a disk for the queue to come back. No named
tuple: to make one takes a seventh of the time of `publish`."""


class Publisher:
    """Publishes to one queue.

    1. `publish` returns only after the queue, or the spool in front of it, has acknowledged every message of the
       request.
    2. A request that is too large is refused before any of it is published.
    3. After `Unavailable` the client must try again, although some of the messages may be stored.
    """

    def __init__(
        self,
        producer: Producer,
        registry: Registry,
        metrics: Metrics,
        tracer: Tracer | None = None,
        overflow: Overflow | None = None,
    ) -> None:
        """Without `overflow` no project is over its share."""
        self._producer = producer
        self._tracer = tracer
        self._overflow = overflow
        self._overflow_records = metrics.overflow_records
        self._topics = {fmt.name: registry.signal_of(fmt).topic for fmt in registry.stored_formats}
        self._seconds = metrics.publish_seconds
        self._failures = metrics.publish_failures
        self._spooled = metrics.spooled
        self._stored_at = self._failed_at = float("-inf")

    def check(self) -> None:
        """Raise `QueueUnavailable` while nothing is acknowledged, or if the last publish failed, a moment ago. What is
        longer ago proves nothing."""
        self._producer.check()
        if self._failed_at > self._stored_at and perf_counter() - self._failed_at < FAILING_S:
            raise QueueUnavailable("the last publish failed")

    def failed(self, *, not_stored: bool = False) -> None:
        """A publish failed, here or for whoever did not wait longer. `not_stored`: nothing of it was, for certain."""
        self._failed_at = perf_counter()
        self._failures.labels("not_stored" if not_stored else "unknown").inc()

    async def publish(self, parts: Sequence[Part], key: ResolvedKey, now_us: int) -> Accepted:
        """Publish the parts of a request, each to the topic of its signal. `now_us`: when
        the request was received, microseconds since the epoch.

        Raises `Unavailable`, `TooLarge`.
        """
        stamps: list[Stamp] = []
        messages: list[Message] = []
        traceparent = "" if self._tracer is None else self._tracer.traceparent
        for part in parts:
            stamp = stamp_of(part, key, now_us, traceparent)
            stamps.append(stamp)
            if part.n:
                value, topic = seal(stamp, part.payload), self._topics[part.format.name]
                if self._overflow is not None and self._overflow.shares.is_over(key, part.n):
                    topic = self._overflow_topic(part)
                messages += ((topic, value, None),) if len(value) <= CHUNK_BYTES else cut(topic, stamp, part)
        started, spooled = perf_counter(), False
        try:
            if len(messages) == 1:
                spooled = (await self._producer.publish(*messages[0])).spooled
            elif messages:
                published = await asyncio.gather(*(self._producer.publish(*message) for message in messages))
                spooled = any(each.spooled for each in published)
        except QueueUnavailable as error:
            self.failed(not_stored=len(messages) == 1 and isinstance(error, NotStored))
            raise Unavailable from error
        except MessageTooLarge as error:
            raise TooLarge from error
        if spooled:
            self._spooled.inc(sum(part.n for part in parts))
        elif messages:
            self._stored_at = perf_counter()
            self._seconds.observe(self._stored_at - started)
            if traceparent and self._tracer is not None:
                self._tracer.published(self._stored_at - started)
        return stamps, spooled

    def _overflow_topic(self, part: Part) -> str:
        assert self._overflow is not None
        self._overflow_records.labels(part.format.signal).inc(part.n)
        return self._overflow.topics.of_formats[part.format.name]


def stamp_of(part: Part, key: ResolvedKey, now_us: int, traceparent: str = "") -> Stamp:
    """The stamp of a part, with new ids for the events that the client left without one."""
    event_ids: tuple[str, ...] = ()
    if part.event_ids:
        event_ids = tuple(stored_id(sent) if sent else uuid7(now_us // 1000) for sent in part.event_ids)
    rules_revision = key.rules.revision if event_ids else 0
    return Stamp(
        v=WITH_RULES if rules_revision else VERSION,
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
        rules_revision=rules_revision,
        traceparent=traceparent,
        extra=_decode(part.extra) if part.extra else None,
    )


def cut(topic: str, stamp: Stamp, part: Part) -> list[Message]:
    """The messages of a part that is too large for one, in order, each with its own stamp and count.

    Raises `TooLarge` if the stamp leaves no room for the largest record: what a request says once for all of its
    records is repeated in every message.
    """
    room = CHUNK_BYTES - len(seal(stamp, b""))
    if room < MAX_RECORD_BYTES:
        raise TooLarge
    key = os.urandom(8)  # one partition for all of them: the records keep their order
    messages: list[Message] = []
    first = 0
    for payload, n in part.format.codec.cut(part.payload, room):
        own = msgspec.structs.replace(stamp, n=n, event_ids=stamp.event_ids[first : first + n])
        messages.append((topic, seal(own, payload), key))
        first += n
    return messages
