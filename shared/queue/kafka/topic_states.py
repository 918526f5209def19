"""How well topics are kept: copies, those in sync, and the settings that decide on them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiokafka.admin.config_resource import ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.admin import DescribeConfigsRequest
from aiokafka.protocol.metadata import MetadataRequest

from shared.queue.base import Lane, TopicState
from shared.queue.kafka.metadata import TopicsRequest

_OPERATIONS = {3: "read", 4: "write", 8: "describe"}
"""Kafka's numbers of what we do with a topic."""

_NOT_TOLD = -(2**31)

_MIN, _UNCLEAN = "min.insync.replicas", "unclean.leader.election.enable"


async def topic_states(client: AIOKafkaClient, topics: Sequence[str]) -> dict[str, TopicState]:
    """Those of these topics that are there."""
    brokers, found = await _found(client, topics)
    settings = await _settings(client, found)
    forbidden = await _forbidden(client, topics)
    states = {name: _state(found[name], settings[name], brokers) for name in sorted(found)}
    return {name: state._replace(forbidden=forbidden.get(name, ())) for name, state in states.items()}


async def copies_in_sync(client: AIOKafkaClient, lane: Lane) -> tuple[int, int]:
    """How many a lane has, and without how many nothing is written to it; none where there is no such lane."""
    _, found = await _found(client, [lane.topic])
    settings = (await _settings(client, found)).get(lane.topic, {})
    in_sync = [len(each["isr"]) for each in found.get(lane.topic, ()) if each["partition"] == lane.partition]
    return sum(in_sync), int(settings.get(_MIN, 1))


async def _found(client: AIOKafkaClient, topics: Sequence[str]) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """How many brokers there are, and the partitions of each topic."""
    answer = (await client.send(client.get_random_node(), MetadataRequest(list(topics)))).to_object()
    found = {topic["topic"]: topic["partitions"] for topic in answer["topics"] if not topic["error_code"]}
    return len(answer["brokers"]), found


async def _forbidden(client: AIOKafkaClient, topics: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Brokers before 2.8 don't tell."""
    try:
        answer = await client.send(client.get_random_node(), TopicsRequest(topics, operations=True))
    except NotImplementedError:
        return {}
    return {name: forbidden(operations) for _, name, _, _, _, _, operations, _ in answer.topics}


def forbidden(operations: int) -> tuple[str, ...]:
    """Which of ours are not among the operations, a bit for each that is allowed. Pure."""
    if operations == _NOT_TOLD:
        return ()
    return tuple(name for number, name in _OPERATIONS.items() if not operations >> number & 1)


async def _settings(client: AIOKafkaClient, topics: Iterable[str]) -> dict[str, dict[str, str]]:
    request = DescribeConfigsRequest([(ConfigResourceType.TOPIC, topic, [_MIN, _UNCLEAN]) for topic in topics])
    response = await client.send(client.get_random_node(), request)
    return {topic: {name: value for name, value, *_ in entries} for _, _, _, topic, entries in response.resources}


def _state(partitions: list[dict[str, Any]], settings: Mapping[str, str], brokers: int) -> TopicState:
    return TopicState(
        partitions=len(partitions),
        brokers=brokers,
        copies=min(len(each["replicas"]) for each in partitions),
        in_sync=min(len(each["isr"]) for each in partitions),
        min_in_sync=int(settings.get(_MIN, 1)),
        without_leader=sum(each["leader"] < 0 for each in partitions),
        is_unclean=settings.get(_UNCLEAN) == "true",
    )
