"""The Kafka queue as a whole."""

from collections.abc import AsyncIterator, Iterable

from shared.queue.base import AssignmentListener, Group, Lane, Message, Position, TopicSpec
from shared.queue.kafka import groups
from shared.queue.kafka.admin import Admin
from shared.queue.kafka.cluster import Cluster
from shared.queue.kafka.consumer import KafkaConsumer
from shared.queue.kafka.options import KafkaOptions, addresses
from shared.queue.kafka.producer import KafkaProducer
from shared.queue.kafka.reader import read_range


class KafkaQueue:
    """`shared.queue.base.Queue` on a Kafka cluster of version 2.5 or later.

    Takes `kafka://host:port`, several with commas between. Nothing is connected before it is used; producers and
    consumers have connections of their own and are closed by whoever made them.
    """

    def __init__(self, bootstrap: str, options: KafkaOptions | None = None) -> None:
        self._bootstrap = addresses(bootstrap)
        self._options = options or KafkaOptions()
        self._cluster = Cluster(self._bootstrap, self._options)
        self._admin = Admin(self._cluster, self._options)

    def producer(self) -> KafkaProducer:
        return KafkaProducer(self._bootstrap, self._options)

    def consumer(self, group: str, topics: Iterable[str], listener: AssignmentListener) -> KafkaConsumer:
        return KafkaConsumer(self._bootstrap, self._options, self._admin, group, topics, listener)

    async def create_topics(self, specs: Iterable[TopicSpec]) -> list[str]:
        return await self._admin.create_topics(specs)

    async def check_topics(self, topics: Iterable[str]) -> None:
        """For the start of a process: raise `QueueError`, saying what to do, unless these topics fit our messages."""
        await self._admin.check_topics(topics)

    async def lanes(self, topics: Iterable[str]) -> list[Lane]:
        return await self._admin.lanes(topics)

    async def begin_offsets(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        return await self._admin.begin_offsets(lanes)

    async def end_offsets(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        return await self._admin.end_offsets(lanes)

    async def offsets_at(self, lanes: Iterable[Lane], timestamp_ms: int) -> dict[Lane, int]:
        return await self._admin.offsets_at(lanes, timestamp_ms)

    async def committed(self, group: str, lanes: Iterable[Lane]) -> dict[Lane, Position | None]:
        return await self._admin.committed(group, lanes)

    async def groups(self) -> list[Group]:
        return await groups.known(self._cluster)

    async def forget_group(self, group: str) -> None:
        await groups.forget(self._cluster, group)

    def read(self, lane: Lane, first: int, end: int) -> AsyncIterator[list[Message]]:
        return read_range(self._bootstrap, self._options, self._admin, lane, first, end)

    async def ping(self) -> None:
        await self._admin.ping()

    async def close(self) -> None:
        await self._cluster.close()
