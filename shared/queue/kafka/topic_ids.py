"""Which topic this is. A topic that is created again has the name of the former one, and another id.

Kafka drops a topic's positions with the topic. But a consumer that was cut off meanwhile goes on where it was, and
commits that: so each position is stamped with the id of the topic that it was read in, and counts only there.
"""

import re
from collections.abc import Iterable

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import UnknownTopicOrPartitionError, for_code

from shared.queue.base import Position
from shared.queue.kafka.metadata import TopicsRequest

_STAMP = re.compile(r"@([0-9a-f]{32}) (.*)", re.DOTALL)


async def topic_ids(client: AIOKafkaClient, topics: Iterable[str]) -> dict[str, str]:
    """The id of each topic, 32 hex digits. Missing topics are left out; brokers before 2.8 know no ids at all."""
    try:
        response = await client.send(client.get_random_node(), TopicsRequest(topics))
    except NotImplementedError:
        return {}
    found: dict[str, str] = {}
    for code, name, high, low, *_ in response.topics:
        if code and code != UnknownTopicOrPartitionError.errno:
            raise for_code(code)(name)
        if not code and (high or low):
            found[name] = f"{high % 2**64:016x}{low % 2**64:016x}"
    return found


def stamped(position: Position, topic_id: str) -> Position:
    """The position as it is kept with Kafka; without an id as it is."""
    return position._replace(metadata=f"@{topic_id} {position.metadata}") if topic_id else position


def within(position: Position | None, topic_id: str) -> Position | None:
    """A position that is kept with Kafka, if it belongs to the topic with this id; without an id nobody knows."""
    stamp = _STAMP.fullmatch(position.metadata) if position else None
    if position is None or stamp is None:  # an operator's, or an older version's
        return position
    return position._replace(metadata=stamp[2]) if topic_id in ("", stamp[1]) else None
