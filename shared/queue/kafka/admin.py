"""Topics and offsets: what can be asked and done without joining a group."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from aiokafka import errors
from aiokafka.admin.config_resource import ConfigResourceType
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.protocol.admin import DescribeConfigsRequest
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.structs import TopicPartition

from shared.queue.base import Lane, Position, Room, TopicSpec, TopicState, UnfitTopic
from shared.queue.kafka import new_topics, sizes
from shared.queue.kafka.cluster import Cluster
from shared.queue.kafka.options import KafkaOptions
from shared.queue.kafka.rooms import rooms
from shared.queue.kafka.topic_ids import topic_ids, within
from shared.queue.kafka.topic_states import copies_in_sync, topic_states

EARLIEST, LATEST = -2, -1  # what ListOffsets takes in place of a time
READ_UNCOMMITTED, READ_COMMITTED = 0, 1  # with the second, a lane ends before its first transaction that is open
PING_TIMEOUT_S = 1.5
"""Less than whoever asks for a gateway's health waits: this time-out also recreates a connection that hangs."""


class Admin:
    """Questions about topics, offsets and groups. Every answer comes within `request_timeout_s`.

    Raises:
        QueueUnavailable: from every method: no answer in time.
        QueueError: from every method: the cluster refused.
    """

    def __init__(self, cluster: Cluster, options: KafkaOptions) -> None:
        self._cluster = cluster
        self._options = options

    async def create_topics(self, specs: Iterable[TopicSpec]) -> list[str]:
        """Make the topics that are missing; return the names of those this call made, once all of them can be used."""
        wanted = list(specs)
        created: list[str] = []

        async def create(client: AIOKafkaClient) -> None:
            metadata = await client.fetch_all_metadata()
            known, brokers = metadata.topics(), len(metadata.brokers())
            missing = [spec for spec in wanted if spec.name not in known]
            if missing:
                created.extend(await new_topics.create(client, brokers, missing, self._options))

        await self._cluster.ask(create)
        await self._cluster.ask(lambda client: _all_led(client, wanted))
        return created

    async def check_topics(self, topics: Iterable[str]) -> list[str]:
        """As the contract says; `UnfitTopic` names each topic and what to do about it."""
        names = sorted(set(topics))

        async def describe(client: AIOKafkaClient) -> tuple[list[str], list[str]]:
            known = (await client.fetch_all_metadata()).topics()
            there = [name for name in names if name in known]
            unfit = [sentence for name in there if (sentence := await self._too_small(client, name))]
            return [name for name in names if name not in known], unfit

        missing, unfit = await self._cluster.ask(describe)
        if unfit:
            raise UnfitTopic("; ".join(unfit))
        return missing

    async def topic_states(self, topics: Iterable[str]) -> dict[str, TopicState]:
        names = sorted(set(topics))
        return await self._cluster.ask(lambda client: topic_states(client, names))

    async def sizes(self, topics: Iterable[str]) -> dict[str, int]:
        names = sorted(set(topics))
        return await self._cluster.ask(lambda client: sizes.sizes(client, names))

    async def rooms(self) -> list[Room]:
        return await self._cluster.ask(rooms)

    async def fullness(self) -> float:
        """The brokers drop by age, consumed or not: there is no limit to come near to."""
        return 0.0

    async def _too_small(self, client: AIOKafkaClient, topic: str) -> str | None:
        request = DescribeConfigsRequest([(ConfigResourceType.TOPIC, topic, ["max.message.bytes"])])
        response = await client.send(client.get_random_node(), request)
        ((code, message, _, _, entries),) = response.resources
        if code:
            raise _error(code, f"the settings of topic {topic!r} can't be read: {message}")
        largest, ours = int(entries[0][1]), self._options.max_message_bytes
        if largest >= ours:
            return None
        return (
            f"topic {topic!r} takes at most {largest:,} bytes and our messages may have {ours:,}: "
            f"raise it with `kafka-configs.sh --alter --topic {topic} --add-config max.message.bytes={ours}`, "
            f"or set SLUICE_TOPICS_MAX_MESSAGE_BYTES={largest}"
        )

    async def lanes(self, topics: Iterable[str]) -> list[Lane]:
        names = set(topics)

        async def find(client: AIOKafkaClient) -> list[Lane]:
            metadata = await client.fetch_all_metadata()
            return sorted(Lane(name, p) for name in names for p in metadata.partitions_for_topic(name) or ())

        return await self._cluster.ask(find)

    async def begin_offsets(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        return await self._offsets(lanes, EARLIEST)

    async def end_offsets(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        return await self._offsets(lanes, LATEST)

    async def high_watermarks(self, lanes: Iterable[Lane]) -> dict[Lane, int]:
        return await self._offsets(lanes, LATEST, READ_UNCOMMITTED)

    async def offsets_at(self, lanes: Iterable[Lane], timestamp_ms: int) -> dict[Lane, int]:
        wanted = list(lanes)
        # In this order: what is appended between the two questions is then later than the time, or found by it.
        ends = await self._offsets(wanted, LATEST)
        found = await self._offsets(wanted, max(timestamp_ms, 0))
        return {lane: ends[lane] if found[lane] < 0 else found[lane] for lane in wanted}

    async def _offsets(
        self, lanes: Iterable[Lane], timestamp_ms: int, isolation: int = READ_COMMITTED
    ) -> dict[Lane, int]:
        wanted = list(lanes)
        if not wanted:
            return {}
        return await self._cluster.ask(lambda client: _list_offsets(client, wanted, timestamp_ms, isolation))

    async def committed(self, group: str, lanes: Iterable[Lane]) -> dict[Lane, Position | None]:
        return (await self.committed_in(group, lanes))[1]

    async def committed_in(
        self, group: str, lanes: Iterable[Lane]
    ) -> tuple[dict[str, str], dict[Lane, Position | None]]:
        """The same, and the ids of the topics to which these positions belong."""
        wanted = list(lanes)
        if not wanted:
            return {}, {}

        async def ask(client: AIOKafkaClient) -> tuple[dict[str, str], dict[Lane, Position | None]]:
            # In this order: of a topic that is created again in between there are no older positions.
            ids = await topic_ids(client, {lane.topic for lane in wanted})
            found = await fetch_committed(client, group, wanted)
            return ids, {lane: within(position, ids.get(lane.topic, "")) for lane, position in found.items()}

        return await self._cluster.ask(ask)

    async def topic_ids(self, topics: Iterable[str]) -> dict[str, str]:
        """The id of each of these topics that exists; one that is created again gets another."""
        names = sorted(set(topics))
        return await self._cluster.ask(lambda client: topic_ids(client, names))

    async def ping(self, topics: Iterable[str] = ()) -> None:
        """Return when each lane's leader answers, and copies enough are in sync; without topics, when a broker answers.

        Raises:
            QueueUnavailable: that was not so for `PING_TIMEOUT_S`.
        """
        names = sorted(set(topics))
        await self._cluster.ask(lambda client: _takes(client, names), timeout_s=PING_TIMEOUT_S)


def _error(code: int, what: str) -> errors.BrokerResponseError:
    return errors.for_code(code)(what.strip().rstrip(":"))


async def _all_led(client: AIOKafkaClient, specs: list[TopicSpec]) -> None:
    metadata = await client.fetch_all_metadata()
    for spec in specs:
        partitions = metadata.partitions_for_topic(spec.name)
        if not partitions or partitions != metadata.available_partitions_for_topic(spec.name):
            raise errors.LeaderNotAvailableError(spec.name)


async def _takes(client: AIOKafkaClient, topics: list[str]) -> None:
    """Raises an error that may pass unless each lane of these topics can be written to."""
    if not topics:
        await client.send(client.get_random_node(), MetadataRequest([]))
        return
    states = await topic_states(client, topics)
    for topic in topics:
        if topic not in states:
            raise errors.UnknownTopicOrPartitionError(f"topic {topic}: run `sluice migrate`")
        if states[topic].in_sync < states[topic].min_in_sync:
            raise errors.NotEnoughReplicasError(topic)
    lanes = [Lane(topic, partition) for topic in topics for partition in range(states[topic].partitions)]
    await _list_offsets(client, lanes, LATEST)  # of metadata alone, a broker that is cut off tells what was


async def takes_lane(client: AIOKafkaClient, lane: Lane) -> None:
    """Raises an error that may pass unless this lane can be written to."""
    in_sync, least = await copies_in_sync(client, lane)
    if in_sync < least:
        raise errors.NotEnoughReplicasError(f"{lane}: {in_sync} of {least}")
    await _list_offsets(client, [lane], LATEST)


async def _list_offsets(
    client: AIOKafkaClient, lanes: list[Lane], timestamp_ms: int, isolation: int = READ_COMMITTED
) -> dict[Lane, int]:
    """The offsets asked for; -1 where nothing is as late as the time."""
    metadata = await client.fetch_all_metadata()
    by_leader: dict[int, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for lane in lanes:
        leader = metadata.leader_for_partition(TopicPartition(*lane))
        if leader is None or leader == -1:
            raise errors.LeaderNotAvailableError(f"{lane.topic}-{lane.partition}")
        by_leader[leader][lane.topic].append((lane.partition, timestamp_ms))
    responses = await asyncio.gather(
        *(
            client.send(leader, OffsetRequest(-1, isolation, list(topics.items())))
            for leader, topics in by_leader.items()
        )
    )
    found: dict[Lane, int] = {}
    for response in responses:
        for topic, partitions in response.topics:
            for partition, code, _, offset in partitions:
                if code:
                    raise _error(code, f"{topic}-{partition}")
                found[Lane(topic, partition)] = offset
    return found


async def fetch_committed(client: AIOKafkaClient, group: str, lanes: list[Lane]) -> dict[Lane, Position | None]:
    """The raw request, because aiokafka's own readers overlook the error of the whole answer.

    A coordinator that is still loading answers with that error and no partitions: they take it for "nothing committed".
    """
    node = await client.coordinator_lookup(CoordinationType.GROUP, group)
    by_topic: dict[str, list[int]] = defaultdict(list)
    for lane in lanes:
        by_topic[lane.topic].append(lane.partition)
    response = await client.send(node, OffsetFetchRequest(group, list(by_topic.items())))
    if code := getattr(response, "error_code", 0):  # answers of version 0 and 1 have none
        raise _error(code, f"group {group!r}")
    found: dict[Lane, Position | None] = {}
    for topic, partitions in response.topics:
        for partition, offset, metadata, code in partitions:
            if code:
                raise _error(code, f"group {group!r}, {topic}-{partition}")
            found[Lane(topic, partition)] = Position(offset, metadata or "") if offset >= 0 else None
    if unanswered := [lane for lane in lanes if lane not in found]:
        raise errors.KafkaProtocolError(f"no answer about {unanswered}")
    return found
