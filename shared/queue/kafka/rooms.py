"""How much room brokers have on their disks: DescribeLogDirs of version 4, which tells it from Kafka 3.3 on."""

from typing import TypeAlias

from aiokafka.client import AIOKafkaClient
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

from shared.queue.base import Room

_API_KEY, _VERSION = 35, 4
_TEXT = CompactString("utf-8")
_TAGS = ("tags", TaggedFields)


class _LogDirs(Response):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY, API_VERSION = _API_KEY, _VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        (
            "results",
            CompactArray(
                ("error_code", Int16),
                ("log_dir", _TEXT),
                (
                    "topics",
                    CompactArray(
                        ("name", _TEXT),
                        (
                            "partitions",
                            CompactArray(
                                ("partition", Int32),
                                ("size", Int64),
                                ("offset_lag", Int64),
                                ("is_future_key", Boolean),
                                _TAGS,
                            ),
                        ),
                        _TAGS,
                    ),
                ),
                ("total_bytes", Int64),
                ("usable_bytes", Int64),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class _DescribeLogDirs(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY, API_VERSION = _API_KEY, _VERSION
    RESPONSE_TYPE = _LogDirs
    SCHEMA = Schema(
        ("topics", CompactArray(("topic", _TEXT), ("partitions", CompactArray(Int32)), _TAGS)),
        _TAGS,
    )


_Version: TypeAlias = _DescribeLogDirs


class _Describe(Request[_Version]):  # type: ignore[misc]
    API_KEY = _API_KEY

    def build(self, request_struct_class: type[_Version]) -> _Version:
        return request_struct_class([], {})  # of no topics: only the folders


async def rooms(client: AIOKafkaClient) -> list[Room]:
    """Of each folder of each broker that lets us look; nothing from brokers before 3.3."""
    metadata, found = await client.fetch_all_metadata(), []
    for broker in sorted(metadata.brokers()):
        try:
            answer = await client.send(broker.nodeId, _Describe())
        except NotImplementedError:
            return []
        for code, folder, _, total, usable, _ in answer.results:
            if not code and total > 0:
                found.append(Room(f"broker {broker.nodeId}, {folder}", usable, total))
    return found
