"""Spools that are damaged, or are not the one that was drained: what is noticed, and what can still be drained."""

import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from shared.failpoints import Failpoints
from shared.queue.base import Position, QueueUnavailable
from shared.queue.spool import file as module
from shared.queue.spool.drain import Drain
from shared.queue.spool.file import Spool, look_at
from shared.queue.spool.rows import CorruptSpool, DamagedPiece
from tests.contract.engines import sqlite_limits
from tests.topics import topic_spec

TOPICS = ("errors", "logs")


class Kafka:
    """Stores what a drain brings, and its positions."""

    def __init__(self) -> None:
        self.stored: list[tuple[str, bytes]] = []
        self.positions: dict[str, Position] = {}

    def transactions(self, *_: Any) -> "Kafka":
        return self

    async def start(self, _: list[str]) -> dict[str, Position]:
        return dict(self.positions)

    async def publish(self, topic: str, messages: list[Any], position: Position) -> None:
        self.stored += [(topic, message.value) for message in messages]
        self.positions[topic] = position

    async def stop(self) -> None: ...


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "spool.db"


@pytest.fixture
async def spool(path: Path) -> AsyncIterator[Spool]:
    spool = await opened(path)
    yield spool
    await spool.close()


def remove(path: Path) -> None:
    path.unlink()


async def opened(path: Path, size: int | None = None) -> Spool:
    spool = Spool(path, sqlite_limits())
    await spool.open([topic_spec(name, 1, max_message_bytes=size or 1_000_000) for name in TOPICS])
    return spool


async def copied(spool: Spool, folder: Path) -> Spool:
    """A snapshot of its disk, mounted by another gateway."""
    shutil.copytree(spool.path.parent, folder)
    return await opened(folder / spool.path.name)


async def fill(spool: Spool, topic: str, *values: bytes) -> None:
    """Each message in a segment of its own."""
    for value in values:
        await spool.publish(topic, value)


async def drain(spool: Spool, kafka: Kafka, told: list[DamagedPiece] | None = None) -> None:
    draining = Drain(spool, kafka, Failpoints().reach, bytes_s=10**12)  # type: ignore[arg-type]
    await draining.run(on_damage=None if told is None else told.append)


def change(path: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        assert db.execute(statement, values).rowcount > 0


def flip(path: Path, end: int) -> None:
    with closing(sqlite3.connect(path)) as db:
        ((rowid, data),) = db.execute("SELECT rowid, data FROM segments WHERE end = ?", (end,)).fetchall()
    change(path, "UPDATE segments SET data = ? WHERE rowid = ?", data[:9] + bytes([data[9] ^ 1]) + data[10:], rowid)


async def test_a_copy_that_was_written_to_is_not_taken_for_what_was_drained(spool: Spool, tmp_path: Path) -> None:
    kafka = Kafka()
    await fill(spool, "logs", b"both")
    copy = await copied(spool, tmp_path / "copy")
    await fill(spool, "logs", b"only the first")
    await fill(copy, "logs", b"only the copy", b"and more")
    await drain(spool, kafka)
    before = await copy.state()
    with pytest.raises(CorruptSpool, match=r"2 messages of logs were drained and .* another copy"):
        await drain(copy, kafka)
    assert await copy.state() == before
    assert kafka.stored == [("logs", b"both"), ("logs", b"only the first")]
    await copy.close()


async def test_a_copy_of_what_was_drained_is_and_so_is_what_a_version_without_marks_has_drained(
    spool: Spool, tmp_path: Path
) -> None:
    kafka = Kafka()
    await fill(spool, "logs", b"one", b"two")
    copy = await copied(spool, tmp_path / "copy")
    await drain(spool, kafka)
    await fill(copy, "logs", b"three")
    await drain(copy, kafka)
    assert [value for _, value in kafka.stored] == [b"one", b"two", b"three"]
    await fill(copy, "logs", b"four", b"five")
    kafka.positions["logs"] = Position(4)
    await drain(copy, kafka)
    assert [value for _, value in kafka.stored] == [b"one", b"two", b"three", b"five"]
    await copy.close()


async def test_what_lies_behind_damage_is_drained_when_somebody_is_told_of_each_piece(spool: Spool, path: Path) -> None:
    kafka, told = Kafka(), list[DamagedPiece]()
    await fill(spool, "logs", b"one", b"two", b"three", b"four", b"five")
    flip(path, 2)
    change(path, "DELETE FROM segments WHERE end = 4")
    await fill(spool, "errors", b"first", b"second")
    change(path, "DELETE FROM segments WHERE lane = (SELECT id FROM lanes WHERE topic = 'errors')")
    with pytest.raises(DamagedPiece, match="messages 1 to 1 of logs: the queue file is corrupt"):
        await drain(spool, kafka)
    assert kafka.stored == [("logs", b"one")]
    await drain(spool, kafka, told)
    assert kafka.stored == [("logs", b"one"), ("logs", b"three"), ("logs", b"five")]
    assert [(piece.topic, piece.first, piece.messages) for piece in told] == [
        ("logs", 1, 1),
        ("logs", 3, 1),
        ("errors", 0, 2),
    ]
    state = await spool.state()
    assert (state.messages, state.bytes) == (0, 0)


async def test_damage_in_what_was_drained_already_is_no_loss(spool: Spool, path: Path) -> None:
    kafka = Kafka()
    await fill(spool, "logs", b"one", b"two")
    flip(path, 1)
    kafka.positions["logs"] = Position(1, "a mark that can't be compared")
    await drain(spool, kafka)
    assert kafka.stored == [("logs", b"two")]


async def test_a_lane_with_nothing_but_what_was_deleted_lacks_its_messages(spool: Spool, path: Path) -> None:
    await fill(spool, "logs", b"one", b"two")
    change(path, "DELETE FROM segments WHERE end = 2")
    change(path, "UPDATE lanes SET begin = 1 WHERE end = 2")
    with pytest.raises(DamagedPiece, match="messages 1 to 1 of logs: they are missing"):
        await spool.chunk()
    assert (await spool.state()).messages == 1


@pytest.mark.parametrize(
    "changed",
    [
        "UPDATE segments SET data = CAST(x'ff' AS TEXT)",
        "UPDATE segments SET first = x'ff'",
        "UPDATE lanes SET end = x'ff'",
    ],
)
async def test_a_value_whose_type_has_changed_is_damage(spool: Spool, path: Path, changed: str) -> None:
    await fill(spool, "logs", b"one")
    change(path, changed)
    with pytest.raises(CorruptSpool):
        await spool.chunk()


async def test_a_limit_that_was_raised_later_counts(spool: Spool, path: Path) -> None:
    await spool.close()
    larger = await opened(path, 2_000_000)
    await fill(larger, "logs", bytes(1_500_000))
    await larger.close()


async def test_a_missing_file_and_a_missing_folder_are_told_as_a_spools(
    spool: Spool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove(path)
    with pytest.raises(QueueUnavailable, match=r"there is no spool .*other"):
        await look_at(path.with_name("other"), sqlite_limits())
    for _ in range(2):
        with pytest.raises(QueueUnavailable, match="there is no spool"):
            await fill(spool, "logs", b"one")
    shutil.rmtree(path.parent)
    monkeypatch.setattr(module, "LOOK_S", 0.0)
    with pytest.raises(QueueUnavailable, match=r"the folder of the spool .* can't be used"):
        await fill(spool, "logs", b"one")
    assert spool.aside == []
    assert not spool.is_open
    await spool.reopen()
    await fill(spool, "logs", b"one")
