"""Another file takes the place of the queue file under a running producer and consumer (kind: ABA): no acknowledged
message is skipped, and the consumer goes on by itself."""

import asyncio
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shared.queue.base import Epoch, Fenced, Lane, Position, QueueUnavailable
from shared.queue.sqlite import SqliteQueue
from shared.queue.sqlite.schema import SCHEMA
from tests.contract.engines import sqlite_limits
from tests.contract.members import Member, joined
from tests.topics import topic_spec

LIMITS = sqlite_limits()
T = Lane("t", 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


async def made(path: Path, *values: bytes, topics: int = 1) -> SqliteQueue:
    """A queue with the topic `t` and these messages."""
    queue = SqliteQueue(path, LIMITS)
    others = [topic_spec(f"other {n}", 1) for n in range(topics - 1)]
    await queue.create_topics([*others, topic_spec("t", 1)])
    if values:
        producer = queue.producer()
        await producer.start()
        for value in values:
            await producer.publish("t", value)
        await producer.stop()
    return queue


def copy_of(path: Path) -> Path:
    copy = path.with_name("copy.db")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = WAL")
    return copy


def put_in_place(new: Path, path: Path, *, with_log: bool) -> None:
    """As an operator replaces it: the log of the old one goes too, or is forgotten there."""
    os.replace(new, path)
    if with_log:
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)


async def empty(path: Path) -> Path:
    queue = await made(path.with_name("new.db"))
    await queue.close()
    return path.with_name("new.db")


async def anothers(path: Path) -> Path:
    queue = await made(path.with_name("new.db"), *(b"another %d" % n for n in range(9)), topics=3)
    await queue.close()
    return path.with_name("new.db")


async def older(path: Path) -> Path:
    return path.with_name("copy.db")


async def read_on(member: Member, queue: SqliteQueue) -> list[bytes]:
    """What a writer reads that goes by the contract: from the committed position, or from the begin."""
    (position,) = (await member.consumer.committed([T])).values()
    (end,) = (await queue.end_offsets([T])).values()
    first = 0 if position is None or position.offset > end else position.offset
    member.consumer.seek(T, first)
    return [m.value for _, m in await member.collect(end - first)]


@pytest.mark.parametrize("with_log", [True, False], ids=["log removed", "log left"])
@pytest.mark.parametrize("new", [empty, older, anothers])
async def test_nothing_acknowledged_is_skipped_after_a_replacement(
    path: Path, new: Callable[[Path], "asyncio.Future[Path]"], with_log: bool
) -> None:
    queue = await made(path, b"0", b"1", b"2", b"3")
    producer = queue.producer()
    await producer.start()
    async with joined(queue, "g", ["t"]) as member:
        await member.until_owning(1)
        await member.consumer.commit(T, Position(2), member.consumer.epochs()[T])
        copy_of(path)  # while this member owns the lane, under this very epoch
        for value in (b"4", b"5", b"6"):
            await producer.publish("t", value)
        member.consumer.seek(T, 0)
        await member.collect(7)
        before = member.consumer.epochs()[T]
        await member.consumer.commit(T, Position(7), before)
        told = len(member.events)
        with capture_logs() as logs:
            put_in_place(await new(path), path, with_log=with_log)
            with pytest.raises(Fenced):
                await member.consumer.commit(T, Position(7), before)
            await member.until(lambda: [what for what, _ in member.events[told:]] == ["revoked", "assigned"])
        assert member.consumer.epochs()[T] != before
        assert "the queue file was replaced" in str(logs)
        for value in (b"7", b"8", b"9", b"10"):
            await producer.publish("t", value)
        assert (await read_on(member, queue))[-4:] == [b"7", b"8", b"9", b"10"]
        await member.consumer.commit(T, Position(1), member.consumer.epochs()[T])
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    await producer.stop()
    await queue.close()


async def test_a_cursor_beyond_the_end_is_revoked(path: Path) -> None:
    queue = await made(path, b"0", b"1", b"2")
    async with joined(queue, "g", ["t"]) as member:
        await member.until_owning(1)
        member.consumer.seek(T, 0)
        await member.collect(3)
        before = member.consumer.epochs()[T]
        with closing(sqlite3.connect(path)) as db, db:  # as if the file had lost its end in place
            db.execute("DELETE FROM segments WHERE end > 1")
            db.execute("UPDATE lanes SET end = 1")
        with capture_logs() as logs:
            # No one asks for messages beyond the end before the next receive of this lane.
            async with asyncio.timeout(60):
                while member.consumer.epochs().get(T) in (before, None):
                    await member.consumer.receive([T], timeout_s=0.05)
        assert "ends before what was read" in str(logs)
        with pytest.raises(Fenced):
            await member.consumer.commit(T, Position(3), before)
        assert await read_on(member, queue) == [b"0"]
    await queue.close()


async def test_a_file_that_is_replaced_during_a_commit_is_not_acknowledged(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shared.queue.sqlite import log

    queue = await made(path, b"0")
    producer = queue.producer()
    await producer.start()
    new = await empty(path)
    append = log.append

    def replaced(*arguments: object) -> int:
        first = append(*arguments)  # type: ignore[arg-type]
        os.replace(new, path)
        monkeypatch.undo()
        return first

    monkeypatch.setattr(log, "append", replaced)
    with pytest.raises(QueueUnavailable, match="replaced"):
        await producer.publish("t", b"into a file without a name")
    await producer.stop()
    await queue.close()


async def test_a_read_across_a_replacement_ends_with_an_error(path: Path) -> None:
    queue = await made(path, *(os.urandom(900_000) for _ in range(20)))
    reading = queue.read(T, 0, 20)
    assert await anext(reading)
    put_in_place(await anothers(path), path, with_log=True)
    with pytest.raises(QueueUnavailable, match="replaced"):
        await anext(reading)
    await queue.close()


async def test_a_file_of_version_1_gets_an_id_and_keeps_what_it_holds(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"PRAGMA journal_mode = WAL; {SCHEMA} PRAGMA user_version = 1;")
    queue = await made(path, b"0", b"1")
    async with joined(queue, "g", ["t"]) as member:
        await member.until_owning(1)
        epoch = member.consumer.epochs()[T]
        assert isinstance(epoch, Epoch)
        with closing(sqlite3.connect(path)) as db:
            ((file_id, inode),) = db.execute("SELECT id, inode FROM file").fetchall()
            assert db.execute("PRAGMA user_version").fetchone() == (2,)
        assert inode == str(os.stat(path).st_ino)
        assert file_id in epoch.member
        assert await read_on(member, queue) == [b"0", b"1"]
    again = SqliteQueue(path, LIMITS)
    await again.ping()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT id FROM file").fetchall() == [(file_id,)]
    await again.close()
    await queue.close()


async def test_the_file_its_log_and_its_lock_are_for_their_owner_alone(path: Path) -> None:
    queue = await made(path, b"0")
    await queue.ping()
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    assert f"{path.name}.lock" in modes
    await queue.close()
