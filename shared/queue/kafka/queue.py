"""The Kafka queue as a whole."""

from collections.abc import AsyncIterator, Callable, Iterable

from shared.failpoints import Point
from shared.queue.base import AssignmentListener, Group, Lane, Message
from shared.queue.kafka import groups
from shared.queue.kafka.admin import Admin
from shared.queue.kafka.cluster import Cluster
from shared.queue.kafka.consumer import KafkaConsumer
from shared.queue.kafka.options import KafkaOptions, addresses
from shared.queue.kafka.producer import KafkaProducer
from shared.queue.kafka.reader import RangeReader, read_range
from shared.queue.kafka.transactions import Transactions


class KafkaQueue(Admin):
    """`shared.queue.base.Queue` on a Kafka cluster of version 2.5 or later.

    Takes `kafka://host:port`, several with commas between. Nothing is connected before it is used; producers and
    consumers have connections of their own, which their owners close.
    """

    def __init__(self, bootstrap: str, options: KafkaOptions) -> None:
        self._bootstrap = addresses(bootstrap)
        super().__init__(Cluster(self._bootstrap, options), options)

    def producer(self) -> KafkaProducer:
        return KafkaProducer(self._bootstrap, self._options)

    def consumer(self, group: str, topics: Iterable[str], listener: AssignmentListener) -> KafkaConsumer:
        return KafkaConsumer(self._bootstrap, self._options, self, group, topics, listener)

    def transactions(self, name: str, reach: Callable[[Point], None]) -> Transactions:
        return Transactions(self._bootstrap, self._options, name, reach)

    async def groups(self) -> list[Group]:
        return await groups.known(self._cluster)

    async def members(self, group: str, topic: str) -> int:
        return await groups.members(self._cluster, group, topic)

    async def forget_group(self, group: str) -> None:
        await groups.forget(self._cluster, group)

    def read(self, lane: Lane, first: int, end: int, *, undecided: bool = False) -> AsyncIterator[list[Message]]:
        return read_range(RangeReader(self._bootstrap, self._options, self, undecided), lane, first, end)

    async def close(self) -> None:
        await self._cluster.close()
