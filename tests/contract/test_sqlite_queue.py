"""What the embedded queue promises beyond the contract: durability, limits, recovery from what happens to files."""

import asyncio
import os
import resource
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from shared.queue.base import Lane, Position, Producer, Published, QueueFull, QueueUnavailable, UnfitTopic
from shared.queue.sqlite import Limits, SqliteQueue
from tests.contract.engines import SQLITE, sqlite_limits
from tests.contract.members import Member, joined, other_process
from tests.faults.processes import frozen
from tests.topics import topic_spec

LIMITS = sqlite_limits(publish_timeout_s=2.0, lock_timeout_s=0.3)
DAY_MS = 86_400_000

PATIENT = replace(LIMITS, publish_timeout_s=60.0, lock_timeout_s=30.0)
"""For what must succeed, however busy the machine is. `LIMITS` are for what must fail soon."""


class Clock:
    """The time of appending, for tests that can't wait for days."""

    def __init__(self) -> None:
        self.ms = 1_000 * DAY_MS

    def __call__(self) -> int:
        return self.ms


@asynccontextmanager
async def opened(
    path: Path, limits: Limits = PATIENT, clock: Callable[[], int] | None = None, **spec: Any
) -> AsyncIterator[tuple[SqliteQueue, Producer]]:
    """A queue with the topics `t` (one partition) and `letters` (compacted), and a running producer."""
    queue = SqliteQueue(path, limits, clock)
    await queue.create_topics([topic_spec("t", **{"partitions": 1, **spec}), topic_spec("letters", 1, compacted=True)])
    producer = queue.producer()
    await producer.start()
    yield queue, producer
    await producer.stop()
    await queue.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


T = Lane("t", 0)


async def values(queue: SqliteQueue, lane: Lane = T) -> list[bytes]:
    begin, end = await queue.begin_offsets([lane]), await queue.end_offsets([lane])
    return [m.value async for chunk in queue.read(lane, begin[lane], end[lane]) for m in chunk]


async def consume(queue: SqliteQueue, offset: int, group: str = "writers", lane: Lane = T) -> None:
    """Let a group commit a position."""
    async with joined(queue, group, [lane.topic]) as member:
        await member.until_owning(1)
        await member.consumer.commit(lane, Position(offset), member.consumer.epochs()[lane])


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.02)


def commits(path: Path) -> int:
    """How many segments there are: one a lane and group commit."""
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("SELECT count(*) FROM segments").fetchone()[0])


class TestDurability:
    async def test_concurrent_publishes_share_few_transactions(self, path: Path) -> None:
        async with opened(path) as (queue, producer):
            await producer.publish("t", b"first")
            before = commits(path)
            await asyncio.gather(*(producer.publish("t", b"%d" % n) for n in range(2000)))
            assert commits(path) - before <= 5
            assert len(await values(queue)) == 2001

    async def test_small_messages_of_one_commit_pack_well(self, path: Path) -> None:
        message = (
            b'{"timestamp":"2026-01-01T00:00:%02d.000Z","level":"info","message":"user logged in","service":"web"}'
        )
        async with opened(path) as (queue, producer):
            await asyncio.gather(*(producer.publish("t", message % (n % 60)) for n in range(1000)))
            assert (await queue.sizes(["t"]))["t"] < 1000 * len(message) / 10

    async def test_killing_a_publisher_loses_nothing_acknowledged_and_breaks_nothing(self, path: Path) -> None:
        async with opened(path) as (queue, producer):
            acknowledged: set[bytes] = set()
            for life in range(3):
                async with other_process("stream", f"{SQLITE}{path}", "t", f"life {life}") as publisher:
                    for _ in range(150):
                        acknowledged.add((await publisher.line()).encode())
                    os.kill(publisher.pid, signal.SIGKILL)
                    acknowledged |= {line.encode() for line in await publisher.lines()}
            stored = await values(queue)
            assert acknowledged <= set(stored)
            assert len(stored) == len(set(stored))
            await producer.publish("t", b"and on it goes")
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    async def test_a_publisher_that_gives_up_while_the_file_is_locked_leaves_nothing_behind(self, path: Path) -> None:
        async with opened(path) as (queue, producer):
            await producer.publish("t", b"first")
            with write_lock(path):
                tasks = [asyncio.create_task(producer.publish("t", b"%d" % n)) for n in range(3)]
                await asyncio.sleep(0.1)
                tasks[1].cancel()
            offsets = [
                r.offset for r in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(r, Published)
            ]
            assert offsets == [1, 2]
            assert await values(queue) == [b"first", b"0", b"2"]

    async def test_a_publisher_that_gives_up_before_the_commit_leaves_nothing_behind(self, path: Path) -> None:
        async with opened(path, replace(PATIENT, publish_timeout_s=0.5)) as (queue, producer):
            await publish_when_possible(producer, b"first")
            with write_lock(path):
                tasks = [asyncio.create_task(producer.publish("t", b"under way"))]
                await asyncio.sleep(0.05)
                tasks.append(asyncio.create_task(producer.publish("t", b"behind it")))
                results = await asyncio.gather(*tasks, return_exceptions=True)
            assert [type(result) for result in results] == [QueueUnavailable] * 2
            await publish_when_possible(producer, b"last")
            assert b"behind it" not in await values(queue)

    async def test_time_does_not_go_back_when_the_clock_does(self, path: Path) -> None:
        clock = Clock()
        async with opened(path, clock=clock) as (queue, producer):
            for step in (0, 1000, -500_000, 2000):
                clock.ms += step
                await producer.publish("t", b"%d" % step)
            times = [m.timestamp_ms async for chunk in queue.read(T, 0, 4) for m in chunk]
            assert [t - times[0] for t in times] == [0, 1000, 1000, 1000]
            assert await queue.offsets_at([T], times[1]) == {T: 1}


class TestOwnership:
    async def test_a_process_frozen_past_its_lease_is_fenced_when_it_wakes(self, path: Path) -> None:
        async with (
            opened(path, partitions=2) as (queue, _),
            other_process("hold", f"{SQLITE}{path}", "g", "t") as sleeper,
        ):
            assert await sleeper.line() == "2"
            async with joined(queue, "g", ["t"]) as thief:
                await thief.until_owning(1)
                with ExitStack() as asleep:
                    with write_lock(path):  # frozen with the lock in its hand it would hold up everybody
                        asleep.enter_context(frozen(sleeper.pid))
                    await thief.until_owning(2)
                await sleeper.say("commit now")
                assert await sleeper.lines() == ["fenced", "fenced"]
            assert set((await queue.committed("g", await queue.lanes(["t"]))).values()) == {None}

    async def test_a_member_whose_loop_was_blocked_rejoins_under_new_epochs(self, path: Path) -> None:
        async with opened(path) as (queue, _), joined(queue, "g", ["t"]) as member:
            await member.until_owning(1)
            before = dict(member.consumer.epochs())
            with closing(sqlite3.connect(path)) as db, db:  # what another member would do after the lease
                db.execute("DELETE FROM members")
                db.execute("UPDATE owners SET member = NULL")
                db.execute("UPDATE groups SET version = version + 1")
            await member.until(lambda: len(member.events) == 3)
            assert [what for what, _ in member.events] == ["assigned", "revoked", "assigned"]
            assert member.consumer.epochs() != before

    async def test_a_member_that_does_not_receive_loses_its_lanes_until_it_does(self, path: Path) -> None:
        limits = replace(PATIENT, max_poll_interval_s=1.5)
        async with (
            opened(path, limits, partitions=2) as (queue, _),
            joined(queue, "g", ["t"]) as working,
            joined(queue, "g", ["t"]) as hanging,
        ):
            await asyncio.gather(hanging.until_owning(1), working.until_owning(1))
            await working.until_owning(2)
            told = len(hanging.events)
            back = hanging.until(lambda: [what for what, _ in hanging.events[told:]][:2] == ["revoked", "assigned"])
            await asyncio.gather(back, working.until_owning(1))

    async def test_leases_from_before_a_reboot_do_not_count(self, path: Path) -> None:
        async with opened(path) as (queue, _):
            with closing(sqlite3.connect(path)) as db, db:
                db.execute("INSERT INTO groups (name) VALUES ('g')")
                db.execute("INSERT INTO members VALUES ('old', 'g', '[\"t\"]', 1500, ?)", (1 << 50,))
                db.execute("INSERT INTO owners VALUES ('g', 1, 'old', 'old', 1, 1)")
            async with joined(queue, "g", ["t"]) as member:
                await member.until_owning(1)

    async def test_leaving_frees_the_lanes_long_before_the_lease_ends(self, path: Path) -> None:
        limits = replace(PATIENT, session_timeout_s=600)
        async with opened(path, limits, partitions=2) as (queue, _), joined(queue, "g", ["t"]) as first:
            async with joined(queue, "g", ["t"]) as second:
                await asyncio.gather(first.until_owning(1), second.until_owning(1))
            await first.until_owning(2)

    async def test_members_of_other_topics_are_left_out(self, path: Path) -> None:
        async with opened(path, partitions=2) as (queue, _):
            await queue.create_topics([topic_spec("u", 2)])
            async with joined(queue, "g", ["t"]) as one, joined(queue, "g", ["t", "u"]) as both:
                await asyncio.gather(one.until_owning(2), both.until_owning(2))
                assert (one.lanes, both.lanes) == (await queue.lanes(["t"]), await queue.lanes(["u"]))

    async def test_a_topic_made_later_is_shared_within_a_session(self, path: Path) -> None:
        session_s = 6.0
        limits = replace(PATIENT, session_timeout_s=session_s)
        async with opened(path, limits) as (queue, _), joined(queue, "g", ["t", "later"]) as member:
            await member.until_owning(1)
            await queue.create_topics([topic_spec("later", 3)])
            await asyncio.wait_for(member.until_owning(4), 2 * session_s)


class TestRetention:
    async def test_only_consumed_messages_older_than_the_retention_are_dropped(self, path: Path) -> None:
        clock = Clock()
        limits = replace(PATIENT, tidy_interval_s=0.05)
        async with opened(path, limits, clock, retention_ms=7 * DAY_MS) as (queue, producer):
            for number in range(10):
                await producer.publish("t", b"%d" % number)
                clock.ms += DAY_MS
            await consume(queue, 6)

            async def dropped() -> bool:
                return (await queue.begin_offsets([T]))[T] == 3

            await eventually(dropped)  # 0, 1 and 2 are 10, 9 and 8 days old
            clock.ms += 100 * DAY_MS

            async def all_consumed_dropped() -> bool:
                return (await queue.begin_offsets([T]))[T] == 6

            await eventually(all_consumed_dropped)
            await asyncio.sleep(0.15)
            assert await values(queue) == [b"6", b"7", b"8", b"9"]
            assert await queue.end_offsets([T]) == {T: 10}

    async def test_what_one_of_two_groups_still_needs_is_kept(self, path: Path) -> None:
        clock = Clock()
        limits = replace(PATIENT, tidy_interval_s=0.05)
        async with opened(path, limits, clock, retention_ms=DAY_MS) as (queue, producer):
            for number in range(5):
                await producer.publish("t", b"%d" % number)
            await consume(queue, 2, group="slow")
            await consume(queue, 5, group="fast")
            clock.ms += 10 * DAY_MS

            async def dropped() -> bool:
                return (await queue.begin_offsets([T]))[T] > 0

            await eventually(dropped)
            assert await values(queue) == [b"2", b"3", b"4"]

    async def test_a_topic_in_which_nobody_committed_is_kept_whole(self, path: Path) -> None:
        clock = Clock()
        limits = replace(PATIENT, tidy_interval_s=0.02)
        async with opened(path, limits, clock, retention_ms=1) as (queue, producer):
            await producer.publish("t", b"value")
            clock.ms += 1000 * DAY_MS
            await asyncio.sleep(0.2)
            assert await values(queue) == [b"value"]

    async def test_room_is_made_from_the_oldest_consumed_messages_of_all_topics(self, path: Path) -> None:
        clock = Clock()
        async with opened(path, replace(PATIENT, size_bytes=100_000), clock) as (queue, producer):
            await queue.create_topics([topic_spec("u", 1)])
            u = Lane("u", 0)
            for _ in range(4):
                for topic in ("t", "u"):
                    await producer.publish(topic, os.urandom(10_000))
                    clock.ms += 1
            await consume(queue, 4)
            await consume(queue, 2, lane=u)
            for _ in range(4):
                await producer.publish("t", os.urandom(10_000))
            begin = await queue.begin_offsets([T, u])
            assert begin[T] >= 1
            assert begin[u] >= 1
            assert begin[u] <= 2
            assert sum((await queue.sizes(["t", "u"])).values()) <= 100_000

    async def test_a_reader_behind_the_retention_goes_on_from_the_earliest_message(self, path: Path) -> None:
        async with opened(path, replace(PATIENT, size_bytes=50_000)) as (queue, producer):
            for _ in range(4):
                await producer.publish("t", os.urandom(10_000))
            async with joined(queue, "g", ["t"]) as member:
                await member.until_owning(1)
                await member.consumer.commit(T, Position(4), member.consumer.epochs()[T])
                await producer.publish("t", os.urandom(20_000))
                earliest = (await queue.begin_offsets([T]))[T]
                assert earliest > 0
                member.consumer.seek(T, 0)
                assert (await member.collect(1))[0][1].offset == earliest


class TestBackPressure:
    async def test_a_queue_full_of_unconsumed_messages_refuses_until_they_are_consumed(self, path: Path) -> None:
        async with opened(path, replace(PATIENT, size_bytes=100_000)) as (queue, producer):
            for _ in range(9):
                await producer.publish("t", os.urandom(10_000))
            for _ in range(3):
                with pytest.raises(QueueFull):
                    await asyncio.wait_for(producer.publish("t", os.urandom(15_000)), 10)
            assert await queue.end_offsets([T]) == {T: 9}
            await consume(queue, 9)

            async def accepted() -> bool:
                try:
                    await producer.publish("t", os.urandom(15_000))
                except QueueFull:
                    return False
                return True

            await eventually(accepted)
            await queue.ping()

    async def test_a_full_queue_still_takes_dead_letters_and_they_never_fill_it(self, path: Path) -> None:
        async with opened(path, replace(PATIENT, size_bytes=30_000)) as (queue, producer):
            for number in range(5):
                await producer.publish("letters", os.urandom(10_000), b"%d" % number)
            await producer.publish("t", os.urandom(20_000))
            results = await asyncio.gather(
                producer.publish("t", os.urandom(20_000)),
                producer.publish("letters", os.urandom(10_000), b"5"),
                return_exceptions=True,
            )
            assert isinstance(results[0], QueueFull)
            assert len(await values(queue, Lane("letters", 0))) == 6
            sizes = await queue.sizes(["t", "letters"])
            assert sizes["t"] <= 30_000 < sizes["letters"]

    async def test_fullness_counts_what_is_not_consumed_and_no_letters(self, path: Path) -> None:
        async with opened(path, replace(LIMITS, size_bytes=100_000)) as (queue, producer):
            assert await queue.fullness() == 0
            await producer.publish("letters", os.urandom(50_000), b"1")
            for _ in range(4):
                await producer.publish("t", os.urandom(20_000))
            assert await queue.fullness() == pytest.approx(0.8, abs=0.01)
            async with joined(queue, "writers", ["t"]) as member:
                await member.until_owning(1)
                await member.consumer.commit(T, Position(3), member.consumer.epochs()[T])
            assert await queue.fullness() == pytest.approx(0.2, abs=0.01)

    async def test_a_topic_that_was_made_for_smaller_messages_is_named_with_what_to_do(self, path: Path) -> None:
        async with opened(path, LIMITS, max_message_bytes=500_000) as (queue, _):
            with pytest.raises(UnfitTopic, match=r"topic 't' .*SLUICE_TOPICS_MAX_MESSAGE_BYTES=500000"):
                await queue.check_topics(["letters", "t"])

    @pytest.mark.parametrize("taken", [19_000, 20_000])
    async def test_a_ping_says_when_there_is_no_room_for_messages(self, path: Path, taken: int) -> None:
        async with opened(path, replace(PATIENT, size_bytes=20_000)) as (queue, producer):
            await producer.publish("t", os.urandom(15_000))
            await queue.ping()
            with closing(sqlite3.connect(path)) as db, db:
                db.execute("UPDATE lanes SET bytes = ?", (taken,))
            with pytest.raises(QueueFull):
                await queue.ping()

    async def test_beyond_the_bytes_in_flight_publishing_is_refused_at_once(self, path: Path) -> None:
        async with opened(path, replace(PATIENT, in_flight_bytes=100_000)) as (_, producer):
            await producer.publish("t", b"first")
            tasks = [asyncio.create_task(producer.publish("t", os.urandom(30_000))) for _ in range(5)]
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert [isinstance(result, QueueFull) for result in results] == [False] * 3 + [True] * 2
            await producer.publish("t", os.urandom(90_000))


@contextmanager
def write_lock(path: Path) -> Iterator[None]:
    """What another program does that writes to the file for long."""
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("ROLLBACK")


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """No file of this process may grow beyond what the queue has now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = max(file.stat().st_size for file in path.parent.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class TestFailure:
    async def test_a_locked_file_is_unavailable_and_works_when_it_is_free_again(self, path: Path) -> None:
        async with opened(path, LIMITS) as (queue, producer):
            await producer.publish("t", b"before")
            with write_lock(path):
                with pytest.raises(QueueUnavailable):
                    await asyncio.wait_for(producer.publish("t", b"during"), 30)
                with pytest.raises(QueueUnavailable):
                    await queue.ping()
                assert await values(queue) == [b"before"]
            await publish_when_possible(producer, b"after")
            assert await values(queue) == [b"before", b"after"]

    async def test_a_full_disk_is_unavailable_and_works_when_there_is_room_again(self, path: Path) -> None:
        async with opened(path) as (queue, producer):
            await producer.publish("t", b"before")
            with full_disk(path), pytest.raises(QueueUnavailable):
                await producer.publish("t", os.urandom(500_000))
            await publish_when_possible(producer, b"after")
            assert await values(queue) == [b"before", b"after"]

    async def test_a_missing_folder_is_unavailable_until_topics_are_created(self, tmp_path: Path) -> None:
        queue = SqliteQueue(tmp_path / "missing" / "queue.db", LIMITS)
        producer = queue.producer()
        await producer.start()
        with pytest.raises(QueueUnavailable, match="sluice migrate"):
            await producer.publish("t", b"value")
        for question in (queue.ping(), queue.lanes(["t"])):
            with pytest.raises(QueueUnavailable):
                await question
        await queue.create_topics([topic_spec("t", 1)])
        await publish_when_possible(producer, b"value")
        assert await values(queue) == [b"value"]
        await producer.stop()
        await queue.close()

    async def test_a_file_that_was_deleted_takes_no_more_messages(self, path: Path) -> None:
        async with opened(path) as (queue, producer):
            await producer.publish("t", b"before")
            os.unlink(path)
            with pytest.raises(QueueUnavailable):
                await producer.publish("t", b"into nowhere")
            await queue.create_topics([topic_spec("t", 1)])
            await publish_when_possible(producer, b"after")
            assert await values(queue) == [b"after"]

    async def test_an_unknown_topic_is_named(self, path: Path) -> None:
        async with opened(path) as (_, producer):
            with pytest.raises(QueueUnavailable, match="no topic missing"):
                await producer.publish("missing", b"value")

    async def test_a_file_of_another_version_is_refused(self, path: Path) -> None:
        async with opened(path) as (_queue, _):
            with closing(sqlite3.connect(path)) as db:
                db.execute("PRAGMA user_version = 99")
            fresh = SqliteQueue(path, LIMITS)
            with pytest.raises(QueueUnavailable, match="version 99"):
                await fresh.ping()
            await fresh.close()

    async def test_a_member_survives_an_outage_of_its_file(self, path: Path) -> None:
        async with opened(path, LIMITS) as (queue, producer), joined(queue, "g", ["t"]) as member:
            await member.until_owning(1)
            with write_lock(path):
                await asyncio.sleep(1.0)
            await publish_when_possible(producer, b"value")
            await member.until_owning(1)
            await member.seek_to_begin()
            assert [m.value for _, m in await member.collect(1)] == [b"value"]


async def publish_when_possible(producer: Producer, value: bytes) -> None:
    async def published() -> bool:
        try:
            await producer.publish("t", value)
        except QueueUnavailable:
            return False
        return True

    await eventually(published)


async def test_a_message_reaches_a_waiting_consumer_within_a_tenth_of_a_second(path: Path) -> None:
    waited_s: list[float] = []
    async with opened(path) as (queue, producer), joined(queue, "g", ["t"]) as member:
        await member.until_owning(1)
        await member.seek_to_begin()
        while not waited_s or (min(waited_s) >= 0.1 and len(waited_s) < 5):  # a busy machine may be late
            receiving = asyncio.create_task(member.consumer.receive([T], timeout_s=60))
            await asyncio.sleep(0.4)  # the file has come to rest
            await producer.publish("t", b"value")
            published_at = time.monotonic()
            await receiving
            waited_s.append(time.monotonic() - published_at)
    assert min(waited_s) < 0.1


async def test_a_lane_that_is_sought_or_resumed_wakes_a_receive_that_waits(path: Path) -> None:
    async with opened(path) as (queue, producer), joined(queue, "g", ["t"]) as member:
        await producer.publish("t", b"value")
        await member.until_owning(1)
        await asyncio.sleep(0.4)  # the file has come to rest
        for wake in (partial(member.consumer.seek, T, 0), partial(member.consumer.resume, [T])):
            receiving = asyncio.create_task(member.consumer.receive([T], timeout_s=60))
            await asyncio.sleep(0.05)
            wake()
            assert T in await asyncio.wait_for(receiving, 20)
            member.consumer.seek(T, 0)
            member.consumer.pause([T])


async def test_long_reads_do_not_pin_the_write_ahead_log(path: Path) -> None:
    async with opened(path) as (queue, producer):
        await asyncio.gather(*(producer.publish("t", os.urandom(50_000)) for _ in range(300)))
        reading = queue.read(T, 0, 300)
        await anext(reading)
        wal = path.with_name(path.name + "-wal")
        for _ in range(10):
            await asyncio.gather(*(producer.publish("t", os.urandom(50_000)) for _ in range(100)))
        assert wal.stat().st_size < 40_000_000


async def test_two_consumers_in_one_process_do_not_disturb_each_other(path: Path) -> None:
    async with opened(path, partitions=2) as (queue, producer):
        members = [Member(queue, "g", ["t"]) for _ in range(2)]
        await asyncio.gather(*(member.consumer.start() for member in members))
        await asyncio.gather(*(member.until_owning(1) for member in members))
        await producer.publish("t", b"value")
        await asyncio.gather(*(member.consumer.stop() for member in members))
