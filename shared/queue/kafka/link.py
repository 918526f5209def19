"""One aiokafka producer at a time, kept connected, and replaced when it can't recover."""

import asyncio
import logging
import math
import time
from collections.abc import Callable

from aiokafka import AIOKafkaProducer

from shared.queue.base import NotStored, QueueUnavailable
from shared.queue.kafka.login import with_current_login
from shared.queue.kafka.options import KafkaOptions, addresses, client_arguments
from shared.queue.kafka.refusal import refusal
from shared.tasks import end

log = logging.getLogger(__name__)


class Link:
    """`producer` is the connected one, or None while connecting goes on in the background.

    A producer is replaced after every error that aiokafka does not retry: refused once with MESSAGE_TOO_LARGE, its
    idempotent batches to that partition all fail as out of sequence. Connecting starts from the bootstrap addresses
    again, which also finds brokers that have moved.
    """

    def __init__(self, bootstrap: str, options: KafkaOptions, *, on_lost: Callable[[], None]) -> None:
        self._bootstrap = addresses(bootstrap)
        self._options = options
        self._on_lost = on_lost
        self._connecting: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._tried = asyncio.Event()
        self._error: BaseException | None = None
        self._refusal: str | None = None
        self._down_since = math.inf
        self.producer: AIOKafkaProducer | None = None

    def start(self) -> None:
        self._tried.clear()
        self._down_since = time.monotonic()
        self._connecting = asyncio.create_task(self._connect())

    async def stop(self, grace_s: float) -> None:
        """Close, giving what is in flight `grace_s` seconds to arrive."""
        if self._connecting is not None:
            await end(self._connecting)
        producer, self.producer = self.producer, None
        if producer is not None:
            self._retire(producer, grace_s)
        if self._retiring:
            await asyncio.wait(self._retiring)

    async def connected(self) -> AIOKafkaProducer:
        """The producer; waits for the first try to connect, but not for more of them.

        Raises:
            NotStored: Kafka can't be reached.
        """
        await self._tried.wait()
        if self.producer is None:
            raise NotStored(
                f"Kafka at {self._bootstrap} can't be reached ({self._error}); trying every {self._options.retry_s:g} s"
            )
        return self.producer

    def is_away(self, after_s: float) -> bool:
        """Whether there is no connection, after a try or so long a time."""
        return self.producer is None and (self._tried.is_set() or time.monotonic() - self._down_since > after_s)

    def replace(self, producer: AIOKafkaProducer, reason: BaseException, grace_s: float) -> None:
        """Take another producer from now on; this one has `grace_s` seconds to finish its other lanes."""
        if producer is not self.producer:
            return
        log.warning("kafka producer replaced after %r", reason)
        self.producer = None
        self._on_lost()
        self._retire(producer, grace_s)
        self.start()

    async def _connect(self) -> None:
        while True:
            producer = self._make()
            # A task of its own, with time for aiokafka's time-outs: bootstrap() leaks its connection when cancelled.
            starting = asyncio.create_task(producer.start())
            try:
                await asyncio.wait({starting}, timeout=3 * self._options.request_timeout_s)
                if starting.done() and not starting.exception():
                    self.producer, self._error = producer, None
                    return
                self._error = await self._failure(starting)
            finally:
                self._tried.set()
                if producer is not self.producer:
                    starting.cancel()
                    await producer.stop()
            await asyncio.sleep(self._options.retry_s)

    async def _failure(self, starting: asyncio.Task[None]) -> BaseException | None:
        """Why connecting failed. A refusal, which only an operator can fix, is logged once."""
        if not starting.done():
            return TimeoutError("it does not answer")
        before, self._refusal = self._refusal, await refusal(self._bootstrap, self._options)
        if self._refusal is None:
            return starting.exception()
        if self._refusal != before:
            log.error("nothing can be published: %s", self._refusal)
        return QueueUnavailable(self._refusal)

    def _make(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **client_arguments(self._bootstrap, self._options),
            acks="all",
            enable_idempotence=True,
            compression_type="zstd",
            max_batch_size=min(self._options.batch_bytes, self._options.max_message_bytes),
        )
        with_current_login(producer.client, self._options.security)
        return producer

    def _retire(self, producer: AIOKafkaProducer, grace_s: float) -> None:
        task = asyncio.create_task(_close(producer, grace_s))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)


async def _close(producer: AIOKafkaProducer, grace_s: float) -> None:
    """Close within `grace_s` seconds and about two request time-outs, delivering what can be delivered."""
    try:
        async with asyncio.timeout(grace_s):
            await producer.flush()
    except TimeoutError:
        # Idempotent batches are tried for ever, and stop() waits for them. Those without a manager of their sequence
        # numbers fail with the first error after their time; the numbers they carry keep them idempotent.
        producer._sender._txn_manager = None
    try:
        await producer.stop()
    except Exception:
        log.warning("kafka producer did not close in order", exc_info=True)
    finally:
        await producer.client.close()
