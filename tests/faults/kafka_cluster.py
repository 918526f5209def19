"""What is asked of brokers and changed there beside Sluice, as an operator does."""

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.queue.base import Lane

_METADATA = b"__cluster_metadata"
_ASKS_FOR_QUORUM = 55  # DescribeQuorum, which aiokafka doesn't know
_SET_ON_TOPIC = 1  # the source of a setting that is not a default


class KafkaCluster:
    """`url`: kafka://host:port,host:port ..."""

    def __init__(self, url: str) -> None:
        self._addresses = url.removeprefix("kafka://")

    async def coordinator(self, group: str) -> int:
        """The id of the broker that coordinates a group."""
        async with self._admin() as admin:
            return int(await admin.find_coordinator(group))

    async def controller(self) -> int:
        """The id of the active controller. Raises `OSError`: no broker knows one now."""
        for address in self._addresses.split(","):
            host, _, port = address.rpartition(":")
            try:
                async with asyncio.timeout(5):
                    return await _leader_of_quorum(host, int(port))
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                continue
        raise OSError(f"no broker of {self._addresses} knows a controller")

    async def change(self, topic: str, settings: Mapping[str, str]) -> dict[str, str]:
        """Change settings of a topic; what it had set before. The request replaces all that are set."""
        async with self._admin() as admin:
            asked = [ConfigResource(ConfigResourceType.TOPIC, topic)]
            ((_, _, _, _, entries),) = (await admin.describe_configs(asked))[0].resources
            former = {name: value for name, value, _, source, *_ in entries if source == _SET_ON_TOPIC}
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {**former, **settings})])
            return former

    async def add_partition(self, topic: str, count: int) -> Lane:
        """One more than `count`; the new lane."""
        async with self._admin() as admin:
            await admin.create_partitions({topic: NewPartitions(total_count=count + 1)})
        return Lane(topic, count)

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._addresses)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()


async def _leader_of_quorum(host: str, port: int) -> int:
    name = bytes([len(_METADATA) + 1]) + _METADATA
    topics = b"\2" + name + b"\2" + struct.pack(">i", 0) + b"\0\0"  # partition 0 of one topic
    request = struct.pack(">hhih6s", _ASKS_FOR_QUORUM, 0, 1, 6, b"sluice") + b"\0" + topics + b"\0"
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(struct.pack(">i", len(request)) + request)
        (length,) = struct.unpack(">i", await reader.readexactly(4))
        answer = await reader.readexactly(length)
    finally:
        writer.close()
    # Correlation id, tags, error; one topic, its name; one partition, its index, error and leader.
    at = 4 + 1 + 2 + 1 + len(name) + 1 + 4
    code, leader = struct.unpack_from(">hi", answer, at)
    if code or leader < 1:
        raise ConnectionError(f"{host}:{port} knows no controller: error {code}")
    return int(leader)
