"""Publishing in transactions: messages, and how far their source has been read, are stored together or not at all."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced
from aiokafka.structs import TopicPartition

from shared.failpoints import Point
from shared.queue.base import Lane, Message, Position, QueueUnavailable
from shared.queue.kafka.cluster import Cluster
from shared.queue.kafka.compression import use_fast_zstd
from shared.queue.kafka.login import with_current_login
from shared.queue.kafka.options import KafkaOptions, client_arguments
from shared.queue.kafka.producer import Route, compressible
from shared.queue.kafka.stable_offsets import stable_offsets

TIMEOUT_S = 10.0
"""A transaction that is open for so long is aborted by Kafka: readers of its lanes wait no longer for a process that
died."""
ABORT_S = 5.0
"""How long a transaction that failed is tried to be ended at once."""


class Transactions:
    """Publishes what a source holds, whose position in each topic is kept by Kafka under the same name.

    1. Who starts under a name ends what the one before has left open, and fences it.
    2. Not used again after any error: a batch that comes late belongs to no transaction then.
    """

    def __init__(self, bootstrap: str, options: KafkaOptions, name: str, reach: Callable[[Point], None]) -> None:
        """`name`: the transactional id, and the group; `reach`: is told where it is."""
        self._bootstrap = bootstrap
        self._options = options
        self._name = name
        self._reach = reach
        self._cluster = Cluster(bootstrap, options)
        self._routes: dict[str, Route] = {}
        self._is_open = False
        use_fast_zstd()
        self._producer = AIOKafkaProducer(
            **client_arguments(bootstrap, options),
            transactional_id=name,
            transaction_timeout_ms=int(TIMEOUT_S * 1000),
            compression_type="zstd",
            max_batch_size=min(options.batch_bytes, compressible(options.max_message_bytes)),
            max_request_size=2 * options.max_message_bytes,  # what is too large was refused when it came
        )
        with_current_login(self._producer.client, options.security)

    async def start(self, topics: Iterable[str]) -> dict[str, Position]:
        """The position of the source in each topic that has one. Raises `QueueUnavailable`, `QueueError`."""
        await self._take_over(3 * self._options.request_timeout_s)
        lanes = [Lane(topic, 0) for topic in topics]  # a source has one lane a topic, by whatever number
        found = await self._cluster.ask(lambda client: stable_offsets(client, self._name, lanes))
        return {lane.topic: position for lane, position in found.items()}

    async def _take_over(self, within_s: float) -> None:
        # A task of its own, with time for aiokafka's time-outs: bootstrap() leaks its connection when cancelled.
        starting = asyncio.create_task(self._producer.start())
        await asyncio.wait({starting}, timeout=within_s)
        if not starting.done() or starting.exception():
            starting.cancel()
            reason = starting.exception() if starting.done() else "no answer"
            raise QueueUnavailable(f"no transaction can be begun: {reason}")

    async def abort(self) -> None:
        """End what a publish that failed has left open, if that can be done soon: else readers of its lanes wait for
        the time-out."""
        if not self._is_open:
            return
        next = Transactions(self._bootstrap, self._options, self._name, self._reach)
        try:
            with suppress(QueueUnavailable):
                await next._take_over(ABORT_S)
        finally:
            await next.stop()

    async def publish(self, topic: str, messages: Sequence[Message], position: Position) -> None:
        """Store the messages, and that the source was read up to `position`. Raises `QueueUnavailable`: unknown."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._producer.begin_transaction()
                self._is_open = True
                self._reach("spool_before_send")
                await self._send(topic, messages)
                self._reach("spool_after_send")
                await self._producer.send_offsets_to_transaction({TopicPartition(topic, 0): position}, self._name)
                self._reach("spool_after_offsets")
                await self._producer.commit_transaction()
                self._is_open = False
                self._reach("spool_after_commit")
        except (KafkaError, TimeoutError, AssertionError) as error:  # aiokafka asserts the state it is in
            cause = error.__cause__ or error  # aiokafka hides what the broker said behind an error of its own
            if isinstance(cause, ProducerFenced | InvalidProducerEpoch):
                self._is_open = False  # whoever fenced us has ended it
            raise QueueUnavailable(f"a transaction of {len(messages)} messages to {topic} failed: {cause!r}") from error

    async def _send(self, topic: str, messages: Sequence[Message]) -> None:
        route = self._routes.get(topic)
        if route is None:
            partitions = len(await self._producer.partitions_for(topic))
            route = self._routes[topic] = Route(topic, partitions)
        now = time.time()
        deliveries = []
        for each in messages:
            partition = route.lane(each.key, len(each.value), now).partition
            deliveries.append(await self._producer.send(topic, each.value, each.key, partition=partition))
        await asyncio.gather(*deliveries)

    async def stop(self) -> None:
        """Close without another word to the brokers: who starts next aborts what is open."""
        producer = self._producer
        producer._closed = True  # stop() would wait for what can't be delivered
        sender = producer._sender.sender_task
        producer._message_accumulator.fail_all(KafkaError("the transaction is given up"))
        if sender is not None:
            sender.cancel()
        await producer.client.close()
        if sender is not None:
            await asyncio.wait({sender}, timeout=self._options.request_timeout_s)
        await self._cluster.close()
