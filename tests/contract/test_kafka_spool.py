"""Draining spools into Kafka: exactly what they hold, whatever dies on the way (delivery.md, "The spool")."""

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError

from shared.failpoints import Failpoints
from shared.queue.base import Lane, QueueUnavailable
from shared.queue.kafka import KafkaQueue, transactions
from shared.queue.spool.drain import Drain
from shared.queue.spool.file import Spool
from shared.queue.spool.names import GROUP_PREFIX
from shared.queue.spool.rows import CorruptSpool
from tests.contract.engines import sqlite_limits
from tests.contract.kafka_tools import OPTIONS, publish
from tests.sluice import called
from tests.topics import topic_spec

POINTS = ("before_send", "after_send", "after_offsets", "after_commit", "after_delete")


@pytest.fixture
async def queue(kafka_url: str) -> AsyncIterator[KafkaQueue]:
    queue = KafkaQueue(kafka_url, OPTIONS)
    yield queue
    await queue.close()


@pytest.fixture
async def topics(queue: KafkaQueue, topic_prefix: str) -> list[str]:
    names = [f"{topic_prefix}logs", f"{topic_prefix}errors"]
    await queue.create_topics([topic_spec(name, partitions=3) for name in names])
    return names


async def opened(path: Path, topics: list[str]) -> Spool:
    spool = Spool(path, sqlite_limits())
    await spool.open([topic_spec(name, 1) for name in topics])
    return spool


async def filled(spool: Spool, topics: list[str], count: int, size: int = 150_000) -> Counter[tuple[str, bytes]]:
    """Messages in each topic, as they must be read; those of `topics[0]` are more than one chunk."""
    wanted = Counter((topic, b"%d " % n + os.urandom(size)) for topic in topics for n in range(count))
    for topic, value in wanted:
        await spool.publish(topic, value, key=b"k" if value.startswith(b"1") else None)
    return wanted


async def drain(spool: Spool, queue: KafkaQueue) -> None:
    await Drain(spool, queue, Failpoints().reach, bytes_s=10**12).run()
    assert (await spool.state()).messages == 0


async def decided(queue: KafkaQueue, lanes: list[Lane]) -> None:
    """Wait until no transaction is open: a commit is answered before its markers are in the lanes. It doesn't wait for
    as long as a time-out."""
    async with asyncio.timeout(transactions.TIMEOUT_S / 2):
        while await queue.end_offsets(lanes) != await queue.high_watermarks(lanes):  # noqa: ASYNC110 - Kafka tells nobody
            await asyncio.sleep(0.05)


async def stored(queue: KafkaQueue, topics: list[str]) -> Counter[tuple[str, bytes]]:
    lanes = await queue.lanes(topics)
    await decided(queue, lanes)
    ends = await queue.end_offsets(lanes)
    return Counter(
        [(lane.topic, m.value) for lane in lanes async for chunk in queue.read(lane, 0, ends[lane]) for m in chunk]
    )


async def killed_at(point: str, url: str, path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.contract.other_process", "drain", url, str(path)),
        env={**os.environ, "SLUICE_FAILPOINT": f"spool_{point}=kill:{random.randint(1, 2)}"},
    )
    assert await process.wait() == -signal.SIGKILL, f"it did not come to {point}"


async def test_a_drain_that_is_killed_anywhere_stores_each_message_once(
    queue: KafkaQueue, kafka_url: str, topics: list[str], tmp_path: Path
) -> None:
    spool = await opened(tmp_path / "spool.db", topics)
    wanted = await filled(spool, topics, 24)
    await spool.close()
    for point in POINTS:
        await killed_at(point, kafka_url, spool.path)
    spool = await opened(spool.path, topics)
    await drain(spool, queue)
    assert await stored(queue, topics) == wanted
    # What Kafka knew of it may expire: the file goes on where it is.
    await queue.forget_group(GROUP_PREFIX + (await spool.state()).id)
    wanted += await filled(spool, topics, 2)
    await drain(spool, queue)
    assert await stored(queue, topics) == wanted
    await spool.close()


async def test_two_spools_are_drained_at_once_beside_live_traffic(
    queue: KafkaQueue, topics: list[str], tmp_path: Path
) -> None:
    spools = [await opened(tmp_path / name / "spool.db", topics) for name in ("a", "b")]
    wanted = sum([await filled(spool, topics, 12) for spool in spools], Counter())
    await asyncio.gather(*(drain(spool, queue) for spool in spools), publish(queue, topics[0], 20, spread_s=1.0))
    found = await stored(queue, topics)
    assert wanted <= found
    assert found.total() == wanted.total() + 20
    for spool in spools:
        await spool.close()


async def test_the_older_of_two_drains_is_fenced_and_what_both_sent_is_stored_once(
    queue: KafkaQueue, topics: list[str], tmp_path: Path
) -> None:
    spool = await opened(tmp_path / "spool.db", topics)
    wanted = await filled(spool, topics, 6)
    name = GROUP_PREFIX + (await spool.state()).id
    older, newer = (queue.transactions(name, Failpoints().reach) for _ in range(2))
    chunk = await spool.chunk()
    assert chunk
    assert await older.start(topics) == {}
    assert await newer.start(topics) == {}
    with pytest.raises(QueueUnavailable):
        await older.publish(chunk.topic, chunk.messages, chunk.position)
    await older.abort()
    await newer.publish(chunk.topic, chunk.messages, chunk.position)
    await older.stop()
    await newer.stop()
    await drain(spool, queue)  # it learns from Kafka what is there
    assert await stored(queue, topics) == wanted
    await spool.close()


async def died() -> None:
    raise KafkaError("it died")


async def test_a_drain_that_fails_leaves_no_transaction_open_and_does_not_fence_a_newer_one(
    queue: KafkaQueue, topics: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = await opened(tmp_path / "spool.db", topics)
    wanted = await filled(spool, topics, 3)

    async def refused(*_: object) -> None:
        raise KafkaError("Unexpected error during batch delivery") from GroupAuthorizationFailedError("no right")

    with monkeypatch.context() as failing:
        failing.setattr(AIOKafkaProducer, "send_offsets_to_transaction", refused)
        with pytest.raises(QueueUnavailable, match="GroupAuthorizationFailed"):
            await drain(spool, queue)
        lanes = await queue.lanes(topics)
        assert sum((await queue.high_watermarks(lanes)).values()), "it had sent something"
        await decided(queue, lanes)
    await drain(spool, queue)
    assert await stored(queue, topics) == wanted
    await spool.close()


async def test_a_lane_waits_for_the_time_out_of_a_drain_that_died_and_no_longer(
    queue: KafkaQueue, topics: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "TIMEOUT_S", 5.0)
    spool = await opened(tmp_path / "spool.db", topics)
    await filled(spool, topics[:1], 1)
    dead = queue.transactions(GROUP_PREFIX + (await spool.state()).id, Failpoints().reach)
    await dead.start(topics)
    monkeypatch.setattr(dead._producer, "commit_transaction", died)
    chunk = await spool.chunk()
    assert chunk
    with pytest.raises(QueueUnavailable):
        await dead.publish(chunk.topic, chunk.messages, chunk.position)
    lanes = await queue.lanes(topics)
    assert await queue.end_offsets(lanes) != await queue.high_watermarks(lanes), "behind it nothing can be read"
    await dead.stop()
    await publish(queue, topics[0], 30)
    async with asyncio.timeout(60):
        while await queue.end_offsets(lanes) != await queue.high_watermarks(lanes):  # noqa: ASYNC110 - Kafka tells nobody
            await asyncio.sleep(0.05)
    assert sorted(int(value) for _, value in await stored(queue, topics)) == list(range(30))
    await spool.close()


async def test_a_copy_that_was_written_to_is_told_by_what_kafka_knows_of_the_other(
    queue: KafkaQueue, topics: list[str], tmp_path: Path
) -> None:
    spool = await opened(tmp_path / "a" / "spool.db", topics)
    wanted = await filled(spool, topics, 1, size=10)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    copy = await opened(tmp_path / "b" / "spool.db", topics)
    wanted += await filled(spool, topics, 2, size=10)
    await filled(copy, topics, 3, size=10)
    await drain(spool, queue)
    with pytest.raises(CorruptSpool, match="another copy"):
        await drain(copy, queue)
    assert (await copy.state()).messages == 8
    assert await stored(queue, topics) == wanted
    for each in (spool, copy):
        await each.close()


async def test_a_damaged_spool_is_drained_but_for_what_can_not_be_read_which_is_told(
    queue: KafkaQueue, kafka_url: str, topics: list[str], tmp_path: Path
) -> None:
    spool = await opened(tmp_path / "spool.db", topics)
    wanted = await filled(spool, topics, 3, size=10)
    await spool.close()
    with closing(sqlite3.connect(spool.path)) as db, db:
        damage = (
            "UPDATE segments SET data = substr(data, 2) WHERE end = 1 AND lane = (SELECT id FROM lanes WHERE topic = ?)"
        )
        assert db.execute(damage, (topics[0],)).rowcount == 1
    command, settings = ["spool", "drain", str(spool.path)], {"SLUICE_QUEUE_URL": kafka_url}
    ended = await asyncio.to_thread(called, command, settings)
    assert (ended.code, "--past-damage" in ended.err) == (1, True), ended.err
    ended = await asyncio.to_thread(called, [*command, "--past-damage", "--json"], settings)
    assert (ended.code, ended.json["drained"]) == (3, 5)
    assert [(each["topic"], each["messages"]) for each in ended.json["lost"]] == [(topics[0], 1)]
    assert f"messages 0 to 0 of {topics[0]}: " in ended.err
    assert f"lost, at most: 1 of {topics[0]}" in ended.err
    found = await stored(queue, topics)
    assert found.total() == 5
    assert found < wanted
    ended = await asyncio.to_thread(called, command, settings)
    assert (ended.code, ended.out.startswith("✓ 0 messages")) == (0, True)
