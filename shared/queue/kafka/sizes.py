"""How much room topics take on the brokers. aiokafka has no DescribeLogDirs, so the request stands here."""

from collections import defaultdict
from collections.abc import Iterable

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Int64, Schema, String

_API_KEY = 35


class _LogDirs(Response):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = _API_KEY
    API_VERSION = 1
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            Array(
                ("error_code", Int16),
                ("log_dir", String("utf-8")),
                (
                    "topics",
                    Array(
                        ("name", String("utf-8")),
                        (
                            "partitions",
                            Array(
                                ("partition", Int32),
                                ("size", Int64),
                                ("offset_lag", Int64),
                                ("is_future_key", Boolean),
                            ),
                        ),
                    ),
                ),
            ),
        ),
    )


class _DescribeLogDirs(RequestStruct):  # type: ignore[misc]
    API_KEY = _API_KEY
    API_VERSION = 1
    RESPONSE_TYPE = _LogDirs
    SCHEMA = Schema(("topics", Array(("topic", String("utf-8")), ("partitions", Array(Int32)))))


class _Describe(Request[_DescribeLogDirs]):  # type: ignore[misc]
    API_KEY = _API_KEY

    def __init__(self, topics: list[tuple[str, list[int]]]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_DescribeLogDirs]) -> _DescribeLogDirs:
        return request_struct_class(self._topics)


async def sizes(client: AIOKafkaClient, topics: Iterable[str]) -> dict[str, int]:
    """Bytes of each topic that exists: of each partition its largest replica."""
    metadata = await client.fetch_all_metadata()
    wanted = [(topic, sorted(there)) for topic in topics if (there := metadata.partitions_for_topic(topic))]
    largest = {(topic, partition): 0 for topic, partitions in wanted for partition in partitions}
    for broker in metadata.brokers():  # each knows its own replicas
        response = await client.send(broker.nodeId, _Describe(wanted))
        for code, folder, found in response.results:
            if code:
                raise for_code(code)(f"can't look into {folder or 'the folders'} of broker {broker.nodeId}")
            for topic, partitions in found:
                for partition, size, _, is_future in partitions:
                    if not is_future:
                        largest[topic, partition] = max(largest[topic, partition], size)
    total: dict[str, int] = defaultdict(int)
    for (topic, _), size in largest.items():
        total[topic] += size
    return dict(total)
