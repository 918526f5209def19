"""A topic that is created again under its name: positions in the former one count no more."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from shared.queue.base import Lane, Position, QueueError
from shared.queue.kafka import KafkaQueue
from shared.queue.kafka.options import addresses
from shared.queue.kafka.topic_ids import stamped, topic_ids, within
from tests.contract.kafka_tools import OPTIONS
from tests.contract.members import joined
from tests.integration.writer.writer_process import until
from tests.topics import topic_spec

ONE, OTHER = "0123456789abcdef" * 2, "f" * 32


@pytest.mark.parametrize("position", [Position(7), Position(7, '{"end":9}'), Position(7, "@home\nby hand")])
def test_a_position_counts_in_the_topic_that_it_was_read_in(position: Position) -> None:
    kept = stamped(position, ONE)
    assert kept != position
    assert within(kept, ONE) == position
    assert within(kept, OTHER) is None
    assert within(kept, "") == position, "of a topic that is missing nobody knows"
    assert within(position, ONE) == position == stamped(position, ""), "an operator has no stamp"
    assert within(None, ONE) is None


async def test_brokers_that_know_no_ids_are_not_asked_for_them() -> None:
    class Older:
        def get_random_node(self) -> int:
            return 1

        async def send(self, node: int, request: Any) -> Any:
            return request.prepare({3: (0, 9)})

    assert await topic_ids(Older(), ["logs"]) == {}


@pytest.fixture
async def queue(kafka_url: str) -> AsyncIterator[KafkaQueue]:
    queue = KafkaQueue(kafka_url, OPTIONS)
    yield queue
    await queue.close()


async def test_a_topic_that_is_created_again_has_another_id_and_no_positions(
    queue: KafkaQueue, kafka_url: str, topic_prefix: str
) -> None:
    lane, group = Lane(f"{topic_prefix}logs", 0), f"{topic_prefix}writers"
    await queue.create_topics([topic_spec(lane.topic, partitions=1)])
    before = await queue.topic_ids([lane.topic, f"{topic_prefix}none"])
    async with joined(queue, group, [lane.topic]) as member:
        await member.until_owning(1)
        assert await member.consumer.committed([lane]) == {lane: None}
        await member.consumer.commit(lane, Position(3, "mine"), member.consumer.epochs()[lane])
        assert await member.consumer.committed([lane]) == {lane: Position(3, "mine")}
    assert await queue.committed(group, [lane]) == {lane: Position(3, "mine")}
    assert [len(text) for text in before.values()] == [32]
    admin = AIOKafkaAdminClient(bootstrap_servers=addresses(kafka_url))
    await admin.start()
    await admin.delete_topics([lane.topic])
    await admin.close()

    async def is_another() -> bool:
        try:
            await queue.create_topics([topic_spec(lane.topic, partitions=1)])
        except QueueError:
            return False
        return (await queue.topic_ids([lane.topic])) not in ({}, before)  # to be deleted takes a moment

    await until(is_another)
    assert await queue.topic_ids([lane.topic]) != before
    assert await queue.committed(group, [lane]) == {lane: None}
