"""The positions of a group whose transactions may just have ended: only those that are decided.

A broker may answer with the former positions for a moment after a transaction has ended. Asked for stable ones it says
instead that they are not decided yet.
"""

from typing import TypeAlias

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import CoordinatorLoadInProgressError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Int64, Schema, TaggedFields

from shared.queue.base import Lane, Position

UNSTABLE_OFFSET_COMMIT = 88
_TEXT = CompactString("utf-8")


class _Positions(Response):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY, API_VERSION = 9, 7
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "topics",
            CompactArray(
                ("name", _TEXT),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("offset", Int64),
                        ("leader_epoch", Int32),
                        ("metadata", _TEXT),
                        ("error_code", Int16),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("error_code", Int16),
        ("tags", TaggedFields),
    )


class _AskPositions(RequestStruct):  # type: ignore[misc]
    """OffsetFetch of version 7, the first that can wait for what is decided; aiokafka itself speaks up to 3."""

    FLEXIBLE_VERSION = True
    API_KEY, API_VERSION = 9, 7
    RESPONSE_TYPE = _Positions
    SCHEMA = Schema(
        ("group", _TEXT),
        ("topics", CompactArray(("name", _TEXT), ("partitions", CompactArray(Int32)), ("tags", TaggedFields))),
        ("require_stable", Boolean),
        ("tags", TaggedFields),
    )


_Version: TypeAlias = _AskPositions


class _PositionsRequest(Request[_Version]):  # type: ignore[misc]
    API_KEY = 9

    def __init__(self, group: str, lanes: list[Lane]) -> None:
        self._group = group
        self._lanes = lanes

    def build(self, version: type[_Version]) -> _Version:
        topics: list[tuple[str, list[int], dict[int, bytes]]] = [(topic, [number], {}) for topic, number in self._lanes]
        return version(self._group, topics, True, {})


async def stable_offsets(client: AIOKafkaClient, group: str, lanes: list[Lane]) -> dict[Lane, Position]:
    """What the group has committed in each of these lanes, of different topics; nothing where it has not."""
    node = await client.coordinator_lookup(CoordinationType.GROUP, group)
    response = await client.send(node, _PositionsRequest(group, lanes))
    _raise_for(response.error_code, group)
    found: dict[Lane, Position] = {}
    for topic, partitions, *_ in response.topics:
        for partition, offset, _, metadata, code, *_ in partitions:
            _raise_for(code, group)
            if offset >= 0:
                found[Lane(topic, partition)] = Position(offset, metadata or "")
    return found


def _raise_for(code: int, group: str) -> None:
    if code == UNSTABLE_OFFSET_COMMIT:
        raise CoordinatorLoadInProgressError(f"the positions of {group!r} are not decided yet")  # asked again
    if code:
        raise for_code(code)(f"group {group!r}")
