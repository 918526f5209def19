"""The queue's contract (`shared/queue/base.py`): each rule, on the embedded queue and on Kafka."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from shared.queue.base import Fenced, Lane, Message, MessageTooLarge, Position, Producer, Queue, QueueUnavailable
from tests.contract.members import Member, joined, other_process
from tests.topics import topic_spec

MakeTopic = Callable[..., Awaitable[str]]


async def read_all(queue: Queue, topic: str) -> list[tuple[Lane, Message]]:
    """Everything in a topic, lane by lane, without a group."""
    lanes = await queue.lanes([topic])
    begin, end = await queue.begin_offsets(lanes), await queue.end_offsets(lanes)
    return [
        (lane, message)
        for lane in lanes
        async for chunk in queue.read(lane, begin[lane], end[lane])
        for message in chunk
    ]


async def values_of(queue: Queue, topic: str) -> list[bytes]:
    return [message.value for _, message in await read_all(queue, topic)]


async def fill(producer: Producer, topic: str, count: int) -> list[bytes]:
    """Publish `count` messages one after the other."""
    values = [f"message {number}".encode() for number in range(count)]
    for value in values:
        await producer.publish(topic, value)
    return values


async def key_for(producer: Producer, topic: str, partition: int) -> bytes:
    """A key whose messages go to this partition; publishes while searching."""
    for number in range(1000):
        key = f"key {number}".encode()
        if (await producer.publish(topic, b"search", key)).lane.partition == partition:
            return key
    raise AssertionError("no key found")


async def test_the_disks_below_a_queue_have_room(queue: Queue, make_topic: MakeTopic) -> None:
    await make_topic()
    rooms = await queue.rooms()
    assert rooms
    assert all(0 <= room.free <= room.total for room in rooms)


class TestPublishing:
    async def test_a_published_message_is_received_with_the_same_bytes_offset_and_lane(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic, group: str
    ) -> None:
        topic = await make_topic(partitions=4)
        value = bytes(range(256)) + os.urandom(1000)
        published = await producer.publish(topic, value)
        async with joined(queue, group, [topic]) as member:
            await member.until_owning(4)
            await member.seek_to_begin()
            [(lane, message)] = await member.collect(1)
        assert (lane, message.offset) == (published.lane, published.offset)
        assert (message.key, message.value) == (None, value)

    async def test_keys_come_back_and_choose_the_lane(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic
    ) -> None:
        topic = await make_topic(partitions=4)
        lanes = {(await producer.publish(topic, b"%d" % n, b"the key")).lane for n in range(5)}
        assert len(lanes) == 1
        assert [(m.key, m.value) for _, m in await read_all(queue, topic)] == [
            (b"the key", b"%d" % n) for n in range(5)
        ]

    async def test_messages_with_and_without_keys_mix(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic
    ) -> None:
        topic = await make_topic()
        keys = [b"a", None, b"", b"b"]
        await asyncio.gather(*(producer.publish(topic, b"value", key) for key in keys))
        assert [m.key for _, m in await read_all(queue, topic)] == keys

    async def test_a_lane_keeps_the_order_of_publishing(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic
    ) -> None:
        topic = await make_topic()
        values = [b"%d" % n for n in range(500)]
        published = await asyncio.gather(*(producer.publish(topic, value) for value in values))
        assert [p.offset for p in published] == sorted(p.offset for p in published)
        assert await values_of(queue, topic) == values

    async def test_many_concurrent_publishes_are_all_stored_exactly_once(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic
    ) -> None:
        topic = await make_topic(partitions=4)
        values = [b"%d " % n + os.urandom(500) for n in range(2000)]
        published = await asyncio.gather(*(producer.publish(topic, value) for value in values))
        stored = {(lane, m.offset): m.value for lane, m in await read_all(queue, topic)}
        assert [stored[place.lane, place.offset] for place in published] == values
        assert len(stored) == len(values)

    async def test_two_processes_publish_to_one_topic(
        self, queue: Queue, queue_url: str, producer: Producer, make_topic: MakeTopic
    ) -> None:
        topic = await make_topic(partitions=2)
        async with other_process("publish", queue_url, topic, "200", "theirs") as other:
            ours = await asyncio.gather(*(producer.publish(topic, f"ours-{n}".encode()) for n in range(200)))
            theirs = await other.lines()
        assert (len(ours), len(theirs)) == (200, 200)
        expected = {f"{whose}-{n}".encode() for whose in ("ours", "theirs") for n in range(200)}
        assert Counter(await values_of(queue, topic)) == Counter(expected)

    async def test_a_message_too_large_is_refused_and_the_producer_works_on(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic
    ) -> None:
        topic = await make_topic(max_message_bytes=100_000)
        await producer.publish(topic, b"before")
        with pytest.raises(MessageTooLarge):
            await producer.publish(topic, os.urandom(200_000))
        await producer.publish(topic, b"after")
        assert await values_of(queue, topic) == [b"before", b"after"]

    async def test_a_cancelled_publish_does_not_hurt_the_others(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic
    ) -> None:
        topic = await make_topic()
        await producer.publish(topic, b"first")
        tasks = [asyncio.create_task(producer.publish(topic, b"%d" % n)) for n in range(20)]
        await asyncio.sleep(0)
        tasks[7].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [n for n, result in enumerate(results) if isinstance(result, BaseException)] == [7]
        assert {b"%d" % n for n in range(20) if n != 7} <= set(await values_of(queue, topic))

    async def test_stopping_a_producer_finishes_what_is_in_flight(self, queue: Queue, make_topic: MakeTopic) -> None:
        topic = await make_topic()
        producer = queue.producer()
        await producer.start()
        await producer.publish(topic, b"first")
        tasks = [asyncio.create_task(producer.publish(topic, b"%d" % n)) for n in range(20)]
        await asyncio.sleep(0)
        await producer.stop()
        await asyncio.gather(*tasks)
        assert len(await values_of(queue, topic)) == 21

    async def test_a_producer_can_be_stopped_twice_and_without_a_start(self, queue: Queue) -> None:
        producer = queue.producer()
        await producer.stop()
        await producer.start()
        await producer.stop()
        await producer.stop()


class TestReceiving:
    async def test_only_the_lanes_asked_for_are_received(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic, group: str
    ) -> None:
        topic = await make_topic(partitions=2)
        for partition in (0, 1):
            await producer.publish(topic, b"wanted", await key_for(producer, topic, partition))
        async with joined(queue, group, [topic]) as member:
            await member.until_owning(2)
            await member.seek_to_begin()
            wanted = Lane(topic, 1)
            received = await member.collect(1, [wanted])
            assert {lane for lane, _ in received} == {wanted}

    async def test_lanes_that_were_never_sought_give_nothing(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic, group: str
    ) -> None:
        topic = await make_topic()
        await producer.publish(topic, b"value")
        async with joined(queue, group, [topic]) as member:
            await member.until_owning(1)
            assert await member.consumer.receive(member.lanes, timeout_s=0.3) == {}

    async def test_seeking_goes_back_and_forward(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic, group: str
    ) -> None:
        topic = await make_topic()
        await fill(producer, topic, 10)
        lane = Lane(topic, 0)
        async with joined(queue, group, [topic]) as member:
            await member.until_owning(1)
            for start in (0, 7, 2, 9, 9):
                member.consumer.seek(lane, start)
                received = await member.collect(10 - start)
                assert [m.offset for _, m in received] == list(range(start, 10))

    async def test_seeking_drops_what_was_fetched_ahead(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic, group: str
    ) -> None:
        topic = await make_topic()
        await asyncio.gather(*(producer.publish(topic, b"%d" % n) for n in range(10)))
        lane = Lane(topic, 0)
        async with joined(queue, group, [topic]) as member:
            await member.until_owning(1)
            for start in (0, 5, 1):
                member.consumer.seek(lane, start)
                received = await member.consumer.receive([lane], timeout_s=60, max_messages=2)
                assert [m.offset for m in received[lane]] == [start, start + 1]

    async def test_a_receive_gives_at_most_max_messages_and_goes_on_where_it_ended(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic, group: str
    ) -> None:
        topic = await make_topic(partitions=2)
        await asyncio.gather(*(producer.publish(topic, b"%d" % n, b"%d" % n) for n in range(100)))
        async with joined(queue, group, [topic]) as member:
            await member.until_owning(2)
            await member.seek_to_begin()
            seen: list[tuple[Lane, int]] = []
            while len(seen) < 100:
                received = await member.consumer.receive(member.lanes, timeout_s=60, max_messages=7)
                assert 0 < sum(map(len, received.values())) <= 7
                seen += [(lane, m.offset) for lane, messages in received.items() for m in messages]
        assert len(set(seen)) == 100
        assert all(offsets == sorted(offsets) for offsets in ([o for at, o in seen if at == lane] for lane, _ in seen))

    async def test_a_waiting_receive_gets_a_message_soon_after_it_is_published(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic, group: str
    ) -> None:
        topic = await make_topic()
        async with joined(queue, group, [topic]) as member:
            await member.until_owning(1)
            await member.seek_to_begin()
            receiving = asyncio.create_task(member.consumer.receive(member.lanes, timeout_s=60))
            await asyncio.sleep(0.2)
            await producer.publish(topic, b"value")
            received = await asyncio.wait_for(receiving, 10)
        assert [m.value for messages in received.values() for m in messages] == [b"value"]

    async def test_paused_lanes_give_nothing_and_keep_their_position(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic, group: str
    ) -> None:
        topic = await make_topic()
        await fill(producer, topic, 4)
        async with joined(queue, group, [topic]) as member:
            await member.until_owning(1)
            await member.seek_to_begin()
            first = await member.consumer.receive(member.lanes, timeout_s=60, max_messages=2)
            member.consumer.pause(member.lanes)
            assert await member.consumer.receive(member.lanes, timeout_s=0.3) == {}
            member.consumer.resume(member.lanes)
            rest = await member.collect(2)
        assert [m.offset for m in first[Lane(topic, 0)]] == [0, 1]
        assert [m.offset for _, m in rest] == [2, 3]

    async def test_receiving_no_lanes_keeps_the_membership(
        self, queue: Queue, make_topic: MakeTopic, group: str, session_s: float
    ) -> None:
        topic = await make_topic(partitions=2)
        async with joined(queue, group, [topic]) as member:
            await member.until_owning(2)
            before = dict(member.consumer.epochs())
            assert await member.consumer.receive([], timeout_s=session_s * 1.3) == {}
            assert member.consumer.epochs() == before
            assert member.events == [("assigned", frozenset(before))]


class TestCommitting:
    async def test_nothing_committed_is_none(self, queue: Queue, make_topic: MakeTopic, group: str) -> None:
        topic = await make_topic(partitions=2)
        lanes = await queue.lanes([topic])
        async with joined(queue, group, [topic]) as member:
            await member.until_owning(2)
            assert await member.consumer.committed(lanes) == dict.fromkeys(lanes)
        assert await queue.committed(group, lanes) == dict.fromkeys(lanes)

    async def test_a_position_comes_back_with_its_metadata_from_inside_and_outside_the_group(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic, group: str
    ) -> None:
        topic = await make_topic(partitions=2)
        lane, other = await queue.lanes([topic])
        async with joined(queue, group, [topic]) as member:
            await member.until_owning(2)
            for position in (Position(3, '{"end": 7}'), Position(7)):
                await member.consumer.commit(lane, position, member.consumer.epochs()[lane])
                assert await member.consumer.committed([lane, other]) == {lane: position, other: None}
                assert await queue.committed(group, [lane, other]) == {lane: position, other: None}
        assert await queue.committed(group, [lane]) == {lane: Position(7, "")}
        assert await queue.committed("another " + group, [lane]) == {lane: None}

    async def test_a_commit_under_an_epoch_that_ended_is_fenced(
        self, queue: Queue, make_topic: MakeTopic, group: str
    ) -> None:
        topic = await make_topic(partitions=2)
        async with joined(queue, group, [topic]) as first:
            await first.until_owning(2)
            epochs = dict(first.consumer.epochs())
            async with joined(queue, group, [topic]) as second:
                await asyncio.gather(first.until_owning(1), second.until_owning(1))
                [lost] = second.lanes
                with pytest.raises(Fenced):
                    await first.consumer.commit(lost, Position(5), epochs[lost])
                await second.consumer.commit(lost, Position(1), second.consumer.epochs()[lost])
            assert await queue.committed(group, [lost]) == {lost: Position(1)}

    async def test_a_lane_that_comes_back_comes_under_another_epoch(
        self, queue: Queue, make_topic: MakeTopic, group: str
    ) -> None:
        topic = await make_topic(partitions=2)
        async with joined(queue, group, [topic]) as first:
            await first.until_owning(2)
            epochs = dict(first.consumer.epochs())
            async with joined(queue, group, [topic]) as second:
                await asyncio.gather(first.until_owning(1), second.until_owning(1))
                [moved] = second.lanes
            await first.until_owning(2)
            with pytest.raises(Fenced):
                await first.consumer.commit(moved, Position(5), epochs[moved])
            await first.consumer.commit(moved, Position(2), first.consumer.epochs()[moved])
        assert await queue.committed(group, [moved]) == {moved: Position(2)}


class TestSharing:
    async def test_members_share_all_lanes_and_none_has_two_owners(
        self, queue: Queue, make_topic: MakeTopic, group: str
    ) -> None:
        topic = await make_topic(partitions=4)
        async with joined(queue, group, [topic]) as first, joined(queue, group, [topic]) as second:
            await asyncio.gather(first.until_owning(2), second.until_owning(2))
            assert sorted(first.lanes + second.lanes) == await queue.lanes([topic])

    async def test_a_lane_is_revoked_from_its_owner_before_another_is_told_of_it(
        self, queue: Queue, make_topic: MakeTopic, group: str
    ) -> None:
        topic = await make_topic(partitions=2)
        told: list[tuple[str, frozenset[Lane]]] = []
        first, second = Member(queue, group, [topic]), Member(queue, group, [topic])
        first.events = second.events = told
        await first.consumer.start()
        await first.until_owning(2)
        told.clear()
        await second.consumer.start()
        await asyncio.gather(first.until_owning(1), second.until_owning(1))
        [moved] = second.lanes
        assert [what for what, lanes in told if moved in lanes] == ["revoked", "assigned"]
        await second.consumer.stop()
        await first.consumer.stop()

    async def test_leaving_hands_the_lanes_over_at_once(
        self, queue: Queue, make_topic: MakeTopic, group: str, session_s: float
    ) -> None:
        topic = await make_topic(partitions=2)
        took_s: list[float] = []
        async with joined(queue, group, [topic]) as first:
            while not took_s or (min(took_s) >= session_s and len(took_s) < 5):  # a busy machine may be late
                async with joined(queue, group, [topic]) as second:
                    await asyncio.gather(first.until_owning(1), second.until_owning(1))
                left_at = time.monotonic()
                assert second.lanes == []
                await first.until_owning(2)
                took_s.append(time.monotonic() - left_at)
        assert min(took_s) < session_s

    async def test_a_member_that_dies_is_replaced(
        self, queue: Queue, queue_url: str, make_topic: MakeTopic, group: str, session_s: float
    ) -> None:
        topic = await make_topic(partitions=2)
        async with other_process("hold", queue_url, group, topic) as dying:
            assert await dying.line() == "2"
            async with joined(queue, group, [topic]) as heir:
                await heir.until_owning(1)
                await dying.kill()
                await asyncio.wait_for(heir.until_owning(2), session_s * 2 + 60)

    async def test_groups_do_not_share_with_each_other(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic, group: str
    ) -> None:
        topic = await make_topic()
        values = await fill(producer, topic, 3)
        async with joined(queue, group, [topic]) as one, joined(queue, "another " + group, [topic]) as other:
            for member in (one, other):
                await member.until_owning(1)
                await member.seek_to_begin()
                assert [m.value for _, m in await member.collect(3)] == values


class TestAsking:
    async def test_topics_are_made_once_however_often_they_are_asked_for(self, queue: Queue, group: str) -> None:
        specs = [topic_spec(f"{group}-a", partitions=3), topic_spec(f"{group}-b", partitions=1)]
        assert sorted(await queue.create_topics(specs)) == [f"{group}-a", f"{group}-b"]
        assert await queue.create_topics([*specs, topic_spec(f"{group}-c", partitions=1)]) == [f"{group}-c"]
        lanes = await queue.lanes([f"{group}-c", f"{group}-a", f"{group}-missing"])
        assert lanes == [*(Lane(f"{group}-a", n) for n in range(3)), Lane(f"{group}-c", 0)]

    async def test_two_can_make_the_same_topics_at_once(self, queue: Queue, group: str) -> None:
        specs = [topic_spec(f"{group}-{n}", partitions=2) for n in range(5)]
        made = await asyncio.gather(queue.create_topics(specs), queue.create_topics(specs))
        assert sorted(made[0] + made[1]) == [spec.name for spec in specs]
        assert len(await queue.lanes([spec.name for spec in specs])) == 10

    async def test_the_offsets_of_an_empty_lane_are_equal_and_of_others_span_what_is_there(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic
    ) -> None:
        empty, filled = Lane(await make_topic(), 0), Lane(await make_topic(), 0)
        await fill(producer, filled.topic, 3)
        assert await queue.begin_offsets([empty, filled]) == {empty: 0, filled: 0}
        assert await queue.end_offsets([empty, filled]) == {empty: 0, filled: 3}

    async def test_offsets_are_found_by_time(self, queue: Queue, producer: Producer, make_topic: MakeTopic) -> None:
        topic = await make_topic()
        for number in range(8):
            await producer.publish(topic, b"%d" % number)
            await asyncio.sleep(0.01)
        lane = Lane(topic, 0)
        times = [message.timestamp_ms for _, message in await read_all(queue, topic)]
        assert times == sorted(times)
        for offset, time_ms in enumerate(times):
            assert await queue.offsets_at([lane], time_ms) == {lane: times.index(time_ms)}
            later = next((n for n, t in enumerate(times) if t > time_ms), 8)
            assert await queue.offsets_at([lane], time_ms + 1) == {lane: later}, offset
        assert await queue.offsets_at([lane], 0) == {lane: 0}
        assert await queue.offsets_at([lane], times[-1] + 3_600_000) == {lane: 8}

    async def test_a_range_is_read_without_a_group(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic, group: str
    ) -> None:
        topic = await make_topic()
        await asyncio.gather(*(producer.publish(topic, b"%d" % n + b"x" * 500) for n in range(3000)))
        lane = Lane(topic, 0)
        for first, end in ((0, 3000), (0, 1), (2, 5), (1234, 2345), (2999, 3000), (5, 5)):
            offsets = [message.offset async for chunk in queue.read(lane, first, end) for message in chunk]
            assert offsets == list(range(first, end))
        assert await queue.committed(group, [lane]) == {lane: None}

    async def test_a_compacted_topic_keeps_the_newest_message_of_every_key(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic
    ) -> None:
        topic = await make_topic(partitions=2, compacted=True)
        for number in range(30):
            await producer.publish(topic, b"%d" % number, b"key %d" % (number % 3))
        newest = {message.key: message.value for _, message in await read_all(queue, topic)}
        assert newest == {b"key 0": b"27", b"key 1": b"28", b"key 2": b"29"}

    async def test_topics_are_checked_and_the_missing_ones_named(self, queue: Queue, make_topic: MakeTopic) -> None:
        topic = await make_topic()
        assert await queue.check_topics([topic]) == []
        assert await queue.check_topics([topic, f"{topic}-b", f"{topic}-a"]) == [f"{topic}-a", f"{topic}-b"]

    async def test_the_size_of_a_topic_grows_with_its_messages(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic
    ) -> None:
        topic, letters = await make_topic(partitions=2), await make_topic(compacted=True)
        for number in range(4):
            await producer.publish(topic, os.urandom(50_000), b"%d" % number)
        await producer.publish(letters, os.urandom(20_000), b"key")
        sizes = await queue.sizes([topic, letters, f"{topic}-missing"])
        assert sizes.keys() == {topic, letters}
        assert 200_000 <= sizes[topic] < 220_000
        assert 20_000 <= sizes[letters] < 22_000
        assert 0 <= await queue.fullness() < 0.01

    async def test_bytes_are_in_flight_until_they_are_acknowledged(
        self, queue: Queue, producer: Producer, make_topic: MakeTopic
    ) -> None:
        topic = await make_topic()
        await producer.publish(topic, b"the topic is known now")
        assert producer.in_flight_bytes == 0
        publishing = asyncio.create_task(producer.publish(topic, b"x" * 1000))
        await asyncio.sleep(0)
        assert 1000 <= producer.in_flight_bytes < 1200
        await publishing
        for _ in range(100):
            await asyncio.sleep(0 if producer.in_flight_bytes == 0 else 0.01)
        assert producer.in_flight_bytes == 0

    async def test_a_ping_says_that_the_queue_takes_messages(self, queue: Queue, make_topic: MakeTopic) -> None:
        topic = await make_topic()
        await queue.ping()
        await queue.ping([topic])
        with pytest.raises(QueueUnavailable, match=rf"{topic}x.*sluice migrate"):
            await queue.ping([topic, f"{topic}x"])
