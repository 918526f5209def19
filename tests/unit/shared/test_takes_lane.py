"""Whether a lane can be written to: what the brokers answer about its copies, and that its leader answers at all."""

from typing import Any

import pytest
from aiokafka.errors import LeaderNotAvailableError, NotEnoughReplicasError
from aiokafka.protocol.admin import DescribeConfigsResponse_v1
from aiokafka.protocol.metadata import MetadataRequest, MetadataResponse_v1

from shared.queue.base import Lane
from shared.queue.kafka import admin
from shared.queue.kafka.metadata import TopicsRequest
from shared.queue.kafka.topic_states import topic_states

BROKERS = [(n, "127.0.0.1", 9092 + n, "") for n in (1, 2, 3)]
PARTITIONS = [(0, 0, 1, [1, 2, 3], [1]), (0, 1, 2, [1, 2, 3], [2, 3])]
SETTINGS = [("min.insync.replicas", "2", False, 1, False, []), ("unclean.leader.election.enable", "false", 0, 5, 0, [])]


class Client:
    """Three brokers, one of them cut off: lane 0 has one copy in sync, lane 1 two."""

    def get_random_node(self) -> int:
        return 1

    async def send(self, node: int, request: Any) -> Any:
        if isinstance(request, MetadataRequest):
            return MetadataResponse_v1(BROKERS, 1, [(0, "logs", False, PARTITIONS), (3, "none", False, [])])
        if isinstance(request, TopicsRequest):
            raise NotImplementedError  # as brokers before 2.8
        return DescribeConfigsResponse_v1(0, [(0, "", 2, "logs", SETTINGS)])


@pytest.fixture
def led(monkeypatch: pytest.MonkeyPatch) -> set[Lane]:
    """The lanes whose leader answers."""
    leads = {Lane("logs", 0), Lane("logs", 1)}

    async def list_offsets(client: Any, lanes: list[Lane], timestamp_ms: int) -> None:
        if not leads.issuperset(lanes):
            raise LeaderNotAvailableError

    monkeypatch.setattr(admin, "_list_offsets", list_offsets)
    return leads


async def taken(lane: Lane) -> None:
    await admin.takes_lane(Client(), lane)


async def test_a_lane_is_judged_by_its_own_copies_and_leader(led: set[Lane]) -> None:
    await taken(Lane("logs", 1))
    with pytest.raises(NotEnoughReplicasError, match="1 of 2"):
        await taken(Lane("logs", 0))
    led.clear()
    with pytest.raises(LeaderNotAvailableError):
        await taken(Lane("logs", 1))


@pytest.mark.parametrize("lane", [Lane("logs", 2), Lane("none", 0)])
@pytest.mark.usefixtures("led")
async def test_a_lane_that_there_is_not_takes_nothing(lane: Lane) -> None:
    with pytest.raises(NotEnoughReplicasError, match="0 of"):
        await taken(lane)


async def test_a_topic_is_as_its_worst_partition() -> None:
    states = await topic_states(Client(), ["logs", "none"])
    assert list(states) == ["logs"]
    assert (states["logs"].in_sync, states["logs"].min_in_sync, states["logs"].is_unclean) == (1, 2, False)
