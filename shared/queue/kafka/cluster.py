"""One connection for questions to the cluster."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from shared.queue.base import QueueError, QueueUnavailable
from shared.queue.kafka.login import with_current_login
from shared.queue.kafka.options import KafkaOptions, addresses, client_arguments
from shared.queue.kafka.refusal import refusal

T = TypeVar("T")


class Cluster:
    """Asks, and asks again while the answer may still come.

    The connection is made with the first question and again, from the bootstrap addresses, after one that got no
    answer: brokers may have moved meanwhile.
    """

    def __init__(self, bootstrap: str, options: KafkaOptions) -> None:
        self._bootstrap = addresses(bootstrap)
        self._options = options
        self._client: AIOKafkaClient | None = None
        self._bootstrapping: asyncio.Task[None] | None = None

    async def ask(self, question: Callable[[AIOKafkaClient], Awaitable[T]], *, timeout_s: float | None = None) -> T:
        """Put a question; it is a function of the client, and repeated after errors that may pass.

        Raises:
            QueueUnavailable: no answer within `timeout_s` (the default is the request time-out); or at once, with the
                reason, when no broker lets us in.
            QueueError: the cluster refused it for good, for example for want of a permission.
        """
        within = self._options.request_timeout_s if timeout_s is None else timeout_s
        seen: KafkaError | None = None
        try:
            async with asyncio.timeout(within):
                while True:
                    try:
                        return await question(await self._connected())
                    except KafkaError as error:
                        # aiokafka raises its base class where no broker answered.
                        if not error.retriable and type(error) is not KafkaError:
                            raise QueueError(f"Kafka at {self._bootstrap} refused: {error}") from error
                        seen = error
                    await asyncio.sleep(min(self._options.retry_s, within / 4))
        except TimeoutError:
            if self._bootstrapping is None:
                await self.close()
            raise QueueUnavailable(
                f"Kafka at {self._bootstrap} gave no answer within {within:g} s{f' ({seen})' if seen else ''}: "
                "check that it runs, and that SLUICE_QUEUE_URL and SLUICE_KAFKA_SECURITY_PROTOCOL are right"
            ) from seen

    async def close(self) -> None:
        """Close the connection; the next question makes another."""
        client, bootstrapping = self._client, self._bootstrapping
        self._client = self._bootstrapping = None
        if bootstrapping is not None:
            bootstrapping.cancel()
            await asyncio.wait({bootstrapping})
        if client is not None:
            await client.close()

    async def _connected(self) -> AIOKafkaClient:
        if self._client is None:
            self._client = AIOKafkaClient(**client_arguments(self._bootstrap, self._options))
            with_current_login(self._client, self._options.security)
            # A task of its own, which outlives a question in a hurry: cancelled, bootstrap() leaks a connection.
            self._bootstrapping = asyncio.create_task(self._client.bootstrap())
            self._bootstrapping.add_done_callback(lambda task: task.cancelled() or task.exception())
        client, bootstrapping = self._client, self._bootstrapping
        if bootstrapping is not None:
            try:
                await asyncio.shield(bootstrapping)
            except KafkaError as error:
                if client is self._client:
                    await self.close()
                if reason := await refusal(self._bootstrap, self._options):
                    raise QueueUnavailable(reason) from error  # at once: asking again within seconds changes nothing
                raise
            self._bootstrapping = None
        return client
