"""A queue file whose bits have changed on disk (kind: what is read is not what was written)."""

import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from time import perf_counter

import pytest

from shared.queue.base import Lane, Message
from shared.queue.sqlite import SqliteQueue
from shared.queue.sqlite.checksum import CHECKSUM_BYTES, Corrupt, opened, sealed
from shared.queue.sqlite.packing import compress, pack
from tests.contract.engines import sqlite_limits
from tests.topics import topic_spec

T, LETTERS = Lane("t", 0), Lane("letters", 0)
TEXT = b'{"timestamp":"2026-01-01T00:00:00.000Z","level":"info","message":"user %d logged in","service":"web"}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


async def filled(path: Path) -> SqliteQueue:
    """Three segments, of 1, 5 and 1 messages, and two letters."""
    import asyncio

    queue = SqliteQueue(path, sqlite_limits())
    await queue.create_topics([topic_spec("t", 1), topic_spec("letters", 1, compacted=True)])
    producer = queue.producer()
    await producer.start()
    for first, n in ((0, 1), (1, 5), (6, 1)):
        await asyncio.gather(*(producer.publish("t", TEXT % (first + m)) for m in range(n)))
    for key in (b"k1", b"k2"):
        await producer.publish("letters", b"letter " + key, key)
    await producer.stop()
    return queue


async def messages(queue: SqliteQueue, lane: Lane = T, first: int = 0) -> list[Message]:
    (end,) = (await queue.end_offsets([lane])).values()
    return [message async for chunk in queue.read(lane, first, end) for message in chunk]


def change(path: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        assert db.execute(sql, values).rowcount == 1


def packed(path: Path, end: int = 6) -> bytes:
    with closing(sqlite3.connect(path)) as db:
        return bytes(db.execute("SELECT data FROM segments WHERE end = ?", (end,)).fetchone()[0])


async def test_a_flipped_bit_anywhere_is_noticed_and_its_neighbours_are_read(path: Path) -> None:
    queue = await filled(path)
    whole = packed(path)
    chosen = random.Random(15).sample(range(8 * len(whole)), 200)
    for bit in chosen:
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        change(path, "UPDATE segments SET data = ? WHERE end = 6", bytes(flipped))
        found = await messages(queue)
        if len(found) == 7:  # in the frame around the checksum: what it covers is as it was written
            assert bit // 8 >= len(whole) - CHECKSUM_BYTES
            assert [message.value for message in found] == [TEXT % n for n in range(7)]
            continue
        before, damaged, after = found
        assert (before.value, after.value) == (TEXT % 0, TEXT % 6)
        assert "corrupt where it holds the messages 1 to 5" in damaged.damage
        assert damaged.offset == 5, "the last of its offsets, so that nothing behind it counts as not read yet"
    await queue.close()


@pytest.mark.parametrize("left", [0, 1, 11, 12, 40, -1, -CHECKSUM_BYTES, -CHECKSUM_BYTES - 1])
async def test_a_segment_cut_short_is_damaged_or_what_was_written(path: Path, left: int) -> None:
    queue = await filled(path)
    change(path, "UPDATE segments SET data = ? WHERE end = 6", packed(path)[:left])
    found = await messages(queue)
    if left == -CHECKSUM_BYTES:  # as a version without checksums wrote it
        assert [message.value for message in found] == [TEXT % n for n in range(7)]
    else:
        assert [bool(message.damage) for message in found] == [False, True, False]
    await queue.close()


@pytest.mark.parametrize(("column", "value"), [("first", 3), ("first", -7), ("first", 99), ("timestamp_ms", 5)])
async def test_a_segment_with_another_place_is_damaged(path: Path, column: str, value: int) -> None:
    queue = await filled(path)
    change(path, f"UPDATE segments SET {column} = ? WHERE end = 6", value)
    assert [(message.offset, bool(message.damage)) for message in await messages(queue)] == [
        (0, False),
        (5, True),
        (6, False),
    ]
    await queue.close()


async def test_the_data_of_another_segment_is_damaged(path: Path) -> None:
    queue = await filled(path)
    change(path, "UPDATE segments SET data = ? WHERE end = 7", packed(path, 1))
    assert [bool(message.damage) for message in await messages(queue)] == [False] * 6 + [True]
    await queue.close()


async def test_reading_from_within_a_damaged_segment_meets_it_once(path: Path) -> None:
    queue = await filled(path)
    change(path, "UPDATE segments SET data = ? WHERE end = 6", os.urandom(100))
    for first in range(1, 6):
        assert [message.offset for message in await messages(queue, first=first)] == [5, 6]
    assert [m.offset async for chunk in queue.read(T, 0, 3) for m in chunk] == [0]
    await queue.close()


async def test_segments_without_a_checksum_are_read_as_before_and_judged_by_their_content(path: Path) -> None:
    queue = await filled(path)
    (whole,) = pack([(None, TEXT % n) for n in range(1, 6)])
    change(path, "UPDATE segments SET data = ? WHERE end = 6", whole.data)
    assert [message.value for message in await messages(queue)] == [TEXT % n for n in range(7)]
    (short,) = pack([(None, TEXT % n) for n in range(1, 3)])
    for other in (short.data, compress(b"no messages"), os.urandom(50)):
        change(path, "UPDATE segments SET data = ? WHERE end = 6", other)
        assert [bool(message.damage) for message in await messages(queue)] == [False, True, False]
    await queue.close()


async def test_a_damaged_letter_hides_no_other(path: Path) -> None:
    queue = await filled(path)
    with closing(sqlite3.connect(path)) as db:
        (data,) = db.execute("SELECT data FROM keyed WHERE offset = 0").fetchone()
    for broken in (data[:-1], b"\0" + data[1:], data[:20] + bytes([data[20] ^ 1]) + data[21:]):
        change(path, "UPDATE keyed SET data = ? WHERE offset = 0", broken)
        first, second = await messages(queue, LETTERS)
        assert (first.key, bool(first.damage)) == (b"k1", True)
        assert (second.value, second.damage) == (b"letter k2", "")
    await queue.close()


def test_a_checksum_costs_next_to_nothing_beside_the_packing() -> None:
    logs = [(None, TEXT % n) for n in range(9_000)]
    started = perf_counter()
    (segment, *_) = pack(logs)
    packing_s = perf_counter() - started
    started = perf_counter()
    for _ in range(10):
        stored = segment.at(0, 1)
    sealing_s = (perf_counter() - started) / 10
    assert opened(stored, 0, segment.messages, 1) == segment.data
    assert sealing_s < packing_s / 10


def test_what_was_sealed_for_another_place_is_corrupt() -> None:
    with pytest.raises(Corrupt):
        opened(sealed(b"data" * 9, 0, 5), 0, 6)
    with pytest.raises(Corrupt):
        opened(sealed(b"data" * 9, 12, 3), 1, 23)
