"""Consumer groups as a whole: which there are, and dropping one."""

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from aiokafka.errors import for_code
from aiokafka.protocol.admin import DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest

from shared.queue.base import Group, GroupInUse, UnknownGroup
from shared.queue.kafka.cluster import Cluster

NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND = 68, 69
_CONSUMERS = ("consumer", "")
"""Protocol types: the second is that of a group which has positions and no member."""


async def known(cluster: Cluster) -> list[Group]:
    """All groups of consumers, sorted. Raises `QueueUnavailable`, `QueueError`."""
    return await cluster.ask(_known)


async def members(cluster: Cluster, group: str, topic: str) -> int:
    """Those that read the topic, or may; 0 for a group that there is not. Raises `QueueUnavailable`, `QueueError`."""
    wishes = await cluster.ask(lambda client: _wishes(client, group))
    return sum(_reads(wish, topic) for wish in wishes)


async def forget(cluster: Cluster, group: str) -> None:
    """Drop a group and its positions. Raises `GroupInUse`, `UnknownGroup`, `QueueUnavailable`, `QueueError`."""
    await cluster.ask(lambda client: _forget(client, group))


async def _known(client: AIOKafkaClient) -> list[Group]:
    metadata = await client.fetch_all_metadata()
    names: set[str] = set()
    for broker in metadata.brokers():  # each knows those that it coordinates
        response = await client.send(broker.nodeId, ListGroupsRequest())
        _raise_for(response.error_code, "list the groups")
        names |= {name for name, kind, *_ in response.groups if kind in _CONSUMERS}
    return [Group(name, len(await _wishes(client, name))) for name in sorted(names)]


async def _wishes(client: AIOKafkaClient, name: str) -> list[bytes]:
    """What each member asks for."""
    node = await client.coordinator_lookup(CoordinationType.GROUP, name)
    response = await client.send(node, DescribeGroupsRequest([name]))
    ((code, _, _, _, _, members, *_),) = response.groups
    _raise_for(code, f"describe group {name!r}")
    return [wish for _, _, _, wish, _ in members]


def _reads(wish: bytes, topic: str) -> bool:
    """Brokers tell nothing while the group rebalances: then it may."""
    return not wish or topic in ConsumerProtocolMemberMetadata.decode(wish).subscription


async def _forget(client: AIOKafkaClient, group: str) -> None:
    node = await client.coordinator_lookup(CoordinationType.GROUP, group)
    response = await client.send(node, DeleteGroupsRequest([group]))
    ((_, code),) = response.results
    if code == NON_EMPTY_GROUP:
        raise GroupInUse(f"group {group!r} has members: stop them first")
    if code == GROUP_ID_NOT_FOUND:
        raise UnknownGroup(f"there is no group {group!r}")
    _raise_for(code, f"forget group {group!r}")


def _raise_for(code: int, what: str) -> None:
    if code:
        raise for_code(code)(f"can't {what}")
