"""The producer: messages gathered into batches, one batch of a lane on its way at a time."""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch

from shared.queue.base import (
    GivenBack,
    Lane,
    MessageTooLarge,
    NotStored,
    Published,
    QueueError,
    QueueFull,
    QueueUnavailable,
)
from shared.queue.kafka.admin import takes_lane
from shared.queue.kafka.compression import use_fast_zstd
from shared.queue.kafka.link import Link
from shared.queue.kafka.options import KafkaOptions
from shared.queue.kafka.record_batch import RecordBatch
from shared.queue.sticky import StickyPartition

OVERHEAD_BYTES = 100
"""What a message has around it at most, alone in its batch: 61 of the batch, 21 of the record, two lengths."""

STILL_S = 1.0
"""A lane whose batch has had no answer for so long stands still ..."""
STILL_LINGER_S = 0.1
"""... and while it does, batches that wait are closed after this time."""


def compressible(size: int) -> int:
    """The largest batch that stays within `size` bytes also when zstd makes it larger, as it does with random bytes.

    That is 3 bytes for each 128 kB and a frame of 18. aiokafka sends the compressed batch in any case.
    """
    return size - size // 32_768 - 18


class Route:
    """The lanes of one topic, and which one the next message takes."""

    def __init__(self, topic: str, partitions: int) -> None:
        self.lanes = [Lane(topic, partition) for partition in range(partitions)]
        self._sticky = StickyPartition(partitions)

    def lane(self, key: bytes | None, size: int, now_s: float) -> Lane:
        if key is None:
            return self.lanes[self._sticky.choose(size, now_s)]
        partition: int = (murmur2(key) & 0x7FFFFFFF) % len(self.lanes)  # as Kafka's own clients do
        return self.lanes[partition]


class KafkaProducer:
    """Publishes with `acks=all` and idempotence. It keeps:

    1. `publish` returns after Kafka has acknowledged the message, and never before.
    2. It waits at most `publish_timeout_s` for a first connection and as long again for the acknowledgement. A batch
       that was not handed to aiokafka by then never is.
    3. At most `max_in_flight_bytes` wait at once. They count until Kafka's answer, not until the caller's time is up:
       the memory is not free before that.
    4. While a batch of a lane is on its way the lane's next one fills. Sent after 5 ms each, a slow broker would get
       batches of 5 ms, one a round trip.
    5. A publish that ends without an acknowledgement is `NotStored` unless its batch was handed to aiokafka: what that
       one becomes is unknown. While a lane stands still its batches are small, and handed over only when its leader
       answers and has copies enough in sync, so that little is unknown.
    6. After an error that aiokafka does not retry, and after `lost_after_s` without an answer, another producer takes
       over (`link.py`).
    """

    def __init__(self, bootstrap: str, options: KafkaOptions, *, clock: Callable[[], float] = time.time) -> None:
        self._options = options
        self._clock = clock
        self._routes: dict[str, Route] = {}
        self._asking: dict[asyncio.Timeout, str] = {}
        self._link = Link(bootstrap, options, on_lost=self._routes.clear)
        self._open: dict[Lane, RecordBatch] = {}
        self._waiting: dict[Lane, deque[RecordBatch]] = defaultdict(deque)
        self._on_the_way: dict[Lane, asyncio.Task[None]] = {}
        self._delivering: dict[Lane, RecordBatch] = {}
        self._still: set[Lane] = set()
        self._acknowledged_at = float("-inf")
        self._in_flight = 0
        self._largest = compressible(options.max_message_bytes)
        self._batch_bytes = min(options.batch_bytes, self._largest)
        self._loop: asyncio.AbstractEventLoop
        self._stopping = False

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        use_fast_zstd()
        self._link.start()

    async def stop(self) -> None:
        """Send and await what is in flight, for at most `publish_timeout_s`, then close."""
        self._stopping = True
        self._routes.clear()
        for batch in [batch for batches in self._waiting.values() for batch in batches]:
            self._is_due(batch)
        give_up_at = time.monotonic() + self._options.publish_timeout_s
        while self._on_the_way and (left := give_up_at - time.monotonic()) > 0:
            await asyncio.wait(self._on_the_way.values(), timeout=left, return_when=asyncio.FIRST_COMPLETED)
        for batch in [batch for batches in self._waiting.values() for batch in batches]:
            self._expire(batch)
        if unanswered := list(self._on_the_way.values()):
            for task in unanswered:
                task.cancel()
            await asyncio.wait(unanswered)
        await self._link.stop(grace_s=0)

    @property
    def in_flight_bytes(self) -> int:
        return self._in_flight

    def check(self) -> None:
        if self._is_silent:
            raise QueueUnavailable("Kafka acknowledges nothing")

    def is_away(self, topic: str, after_s: float) -> bool:
        """Whether there is no connection, or a batch of this topic has been on its way for so long."""
        if self._link.is_away(after_s):
            return True
        begun = [batch.begun_at for lane, batch in self._delivering.items() if lane.topic == topic]
        return bool(begun) and self._loop.time() - min(begun) > after_s

    def give_back(self, topic: str) -> None:
        """End, as `GivenBack`, every publish of this topic of which nothing was handed to Kafka. It never is."""
        for asking in [asking for asking, asked in self._asking.items() if asked == topic]:
            del self._asking[asking]
            asking.reschedule(self._loop.time())
        waiting = [batch for batches in self._waiting.values() for batch in batches]
        for batch in [*self._delivering.values(), *waiting]:
            if batch.lane.topic == topic and not batch.handed:
                self._drop(batch, GivenBack(f"{batch.lane}: Kafka is away"))

    @property
    def _is_silent(self) -> bool:
        """Whether a lane stands still, and no other one gets acknowledgements."""
        if not self._still or self._still.isdisjoint(self._on_the_way):
            return False
        return self._loop.time() - self._acknowledged_at > STILL_S

    async def publish(self, topic: str, value: bytes, key: bytes | None = None) -> Published:
        size = len(value) + OVERHEAD_BYTES + (0 if key is None else len(key))
        if size > self._largest:
            raise MessageTooLarge(f"{size:,} bytes as a message of Kafka, where {self._largest:,} are the limit")
        if self._in_flight + size > self._options.max_in_flight_bytes:
            raise QueueFull(
                f"{self._in_flight:,} bytes wait for Kafka already, of {self._options.max_in_flight_bytes:,}"
            )
        self._in_flight += size  # from here on it is given back by the batch, or below
        try:
            route = self._routes.get(topic) or await self._route(topic)
            waiter = self._append(route.lane(key, size, self._clock()), key, value, size)
        except BaseException:
            self._in_flight -= size
            raise
        try:
            return await waiter
        finally:
            del waiter  # no circle with its exception (performance.md, "The garbage collector")

    async def _route(self, topic: str) -> Route:
        if self._stopping:
            raise NotStored("this producer is stopping")
        asking = asyncio.timeout(self._options.publish_timeout_s)
        self._asking[asking] = topic
        try:
            async with asking:
                producer = await self._link.connected()
                partitions = len(await producer.partitions_for(topic))
        except (TimeoutError, KafkaError) as error:
            if asking not in self._asking:
                raise GivenBack(f"topic {topic!r}: Kafka is away") from error
            if self._link.producer is None:
                raise NotStored(f"no connection within {self._options.publish_timeout_s:g} s") from error
            raise NotStored(f"topic {topic!r} was not found, `sluice migrate` makes it: {error!r}") from error
        finally:
            self._asking.pop(asking, None)
        return self._routes.setdefault(topic, Route(topic, partitions))

    def _append(self, lane: Lane, key: bytes | None, value: bytes, size: int) -> asyncio.Future[Published]:
        while True:
            batch = self._open.get(lane) or self._new_batch(lane)
            waiter = batch.append(key, value, size, self._loop)
            if waiter is not None:
                return waiter
            self._no_longer_open(batch)  # it is full
            self._is_due(batch)

    def _new_batch(self, lane: Lane) -> RecordBatch:
        batch = RecordBatch(lane, BatchBuilder(self._batch_bytes, DefaultRecordBatch.CODEC_ZSTD))
        linger_s = STILL_LINGER_S if lane in self._still else self._options.linger_s
        batch.linger = self._loop.call_later(linger_s, self._is_due, batch)
        batch.expiry = self._loop.call_later(self._options.publish_timeout_s, self._expire, batch)
        self._open[lane] = batch
        self._waiting[lane].append(batch)
        return batch

    def _is_due(self, batch: RecordBatch) -> None:
        batch.due = True
        if batch.lane in self._still:
            self._no_longer_open(batch)
        self._pump(batch.lane)

    def _stands_still(self, lane: Lane) -> None:
        self._still.add(lane)
        if (batch := self._open.get(lane)) and batch.due:
            self._no_longer_open(batch)

    def _pump(self, lane: Lane) -> None:
        """Send the lane's next batch if it is due and none is on its way."""
        waiting = self._waiting[lane]
        while waiting and waiting[0].due and lane not in self._on_the_way:
            batch = waiting.popleft()
            self._no_longer_open(batch)
            if batch.is_wanted:
                batch.begun_at, self._delivering[lane] = self._loop.time(), batch
                self._on_the_way[lane] = asyncio.create_task(self._deliver(batch))
            else:
                self._finish(batch)

    def _no_longer_open(self, batch: RecordBatch) -> None:
        if self._open.get(batch.lane) is batch:
            del self._open[batch.lane]

    def _expire(self, batch: RecordBatch) -> None:
        """The callers' time is up. What was not sent yet never is: they send it again themselves."""
        within = self._options.publish_timeout_s
        if batch.handed:
            batch.fail(QueueUnavailable(f"{batch.lane}: no acknowledgement within {within:g} s"))
            return
        self._drop(batch, NotStored(f"{batch.lane}: not sent within {within:g} s"))

    def _drop(self, batch: RecordBatch, reason: NotStored) -> None:
        batch.fail(reason)
        if batch in self._waiting[batch.lane]:
            self._waiting[batch.lane].remove(batch)
            self._no_longer_open(batch)
            self._finish(batch)

    def _finish(self, batch: RecordBatch) -> None:
        batch.stop_clocks()
        self._in_flight -= batch.size

    async def _deliver(self, batch: RecordBatch) -> None:
        """Send a batch, await Kafka's answer and pass it on."""
        lane = batch.lane
        producer: AIOKafkaProducer | None = None
        try:
            async with asyncio.timeout(self._options.lost_after_s):
                producer = await self._link.connected()
                if lane in self._still or self._is_silent:
                    await self._until_taken(producer, batch)
                if not batch.is_wanted:
                    return
                batch.handed = True
                delivery = await producer.send_batch(batch.close(), lane.topic, partition=lane.partition)
                delivery.add_done_callback(_heard)
                # Unlike await, this leaves it alone when we are cancelled or late.
                if not (await asyncio.wait({delivery}, timeout=STILL_S))[0]:
                    self._stands_still(lane)
                    await asyncio.wait({delivery})
                offset = delivery.result().offset
            if offset < 0:
                raise QueueUnavailable(f"{lane}: stored, but Kafka no longer knows where")
            batch.deliver(offset)
            self._still.discard(lane)
            self._acknowledged_at = self._loop.time()
            self._look_at_partitions(producer, lane.topic)
        except QueueError as error:
            batch.fail(error)
            self._stands_still(lane)
        except Exception as error:
            batch.fail(self._outcome(batch, error))
            self._stands_still(lane)
            self._change_producer(batch, producer, error)
        finally:
            batch.fail((QueueUnavailable if batch.handed else NotStored)("the producer was stopped"))
            self._finish(batch)
            del self._on_the_way[lane], self._delivering[lane]
            self._pump(lane)

    async def _until_taken(self, producer: AIOKafkaProducer, batch: RecordBatch) -> None:
        """Wait until the lane can be written to, or nobody waits any more: aiokafka would keep the batch, and send it
        until it is taken."""
        while batch.is_wanted:
            try:
                await takes_lane(producer.client, batch.lane)
            except KafkaError:
                await asyncio.sleep(self._options.retry_s)
            else:
                return

    def _look_at_partitions(self, producer: AIOKafkaProducer, topic: str) -> None:
        """Forget the route when aiokafka, which looks now and then, has found new partitions."""
        known = producer.client.cluster.partitions_for_topic(topic)
        if topic in self._routes and len(known or ()) != len(self._routes[topic].lanes):
            del self._routes[topic]

    def _outcome(self, batch: RecordBatch, error: Exception) -> QueueError:
        if not batch.handed:
            return NotStored(f"{batch.lane}: {error!r}")
        if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError) and batch.count == 1:
            return MessageTooLarge(
                f"{batch.lane}: Kafka refused {batch.size:,} bytes; see the topic's max.message.bytes"
            )
        return QueueUnavailable(f"{batch.lane}: {error!r}")

    def _change_producer(self, batch: RecordBatch, producer: AIOKafkaProducer | None, error: Exception) -> None:
        if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError) and batch.count > 1:
            # The topic takes less than expected. Its messages may be fine one by one, so make smaller batches.
            self._batch_bytes = max(self._batch_bytes // 2, 1)
        if producer is not None:
            grace_s = 0.0 if isinstance(error, TimeoutError) else self._options.publish_timeout_s
            self._link.replace(producer, error, grace_s)


def _heard(delivery: asyncio.Future[Any]) -> None:
    """Retrieve an error that comes when no caller waits any more, else asyncio logs it."""
    if not delivery.cancelled():
        delivery.exception()
