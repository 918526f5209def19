"""Which topic this is. A topic that is created again has the name of the former one, and another id.

Kafka drops a topic's positions with the topic. But a consumer that was cut off meanwhile goes on where it was, and
commits that: so each position is stamped with the id of the topic that it was read in, and counts only there.
"""

import re
from collections.abc import Iterable
from typing import TypeAlias

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    TaggedFields,
)

from shared.queue.base import Position

_STAMP = re.compile(r"@([0-9a-f]{32}) (.*)", re.DOTALL)
_TEXT = CompactString("utf-8")


class _Topics(Response):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY, API_VERSION = 3, 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(("id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT), ("tags", TaggedFields)),
        ),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", _TEXT),
                ("id_high", Int64),
                ("id_low", Int64),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_operations", Int32),
        ("tags", TaggedFields),
    )


class _AskTopics(RequestStruct):  # type: ignore[misc]
    """Metadata of version 10, the first with ids; aiokafka itself speaks up to 5."""

    FLEXIBLE_VERSION = True
    API_KEY, API_VERSION = 3, 10
    RESPONSE_TYPE = _Topics
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("id_high", Int64), ("id_low", Int64), ("name", _TEXT), ("tags", TaggedFields)),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_operations", Boolean),
        ("include_topic_operations", Boolean),
        ("tags", TaggedFields),
    )


_Version: TypeAlias = _AskTopics


class _TopicsRequest(Request[_Version]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics: list[tuple[int, int, str, dict[int, bytes]]] = [(0, 0, topic, {}) for topic in topics]

    def build(self, version: type[_Version]) -> _Version:
        return version(self._topics, False, False, False, {})


async def topic_ids(client: AIOKafkaClient, topics: Iterable[str]) -> dict[str, str]:
    """The id of each topic, 32 hex digits. Missing topics are left out; brokers before 2.8 know no ids at all."""
    try:
        response = await client.send(client.get_random_node(), _TopicsRequest(topics))
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
