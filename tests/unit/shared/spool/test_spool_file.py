"""The file of a spool: what is in it is read whole or put aside, and deleted no sooner than it may be."""

import asyncio
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from shared.queue.base import Position, QueueFull, QueueUnavailable
from shared.queue.spool import file as module
from shared.queue.spool.file import Spool, SpoolInUse
from shared.queue.spool.rows import CorruptSpool
from tests.contract.engines import sqlite_limits
from tests.topics import topic_spec

LOGS, ERRORS = topic_spec("logs", 1), topic_spec("errors", 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "spool.db"


@pytest.fixture
async def spool(path: Path) -> AsyncIterator[Spool]:
    spool = Spool(path, sqlite_limits())
    await spool.open([LOGS, ERRORS])
    yield spool
    await spool.close()


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)


def size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


async def fill(spool: Spool, topic: str, count: int, size: int = 10) -> list[bytes]:
    values = [b"%s %d " % (topic.encode(), n) + os.urandom(size) for n in range(count)]
    await asyncio.gather(*(spool.publish(topic, value) for value in values))
    return values


async def drained(spool: Spool) -> dict[str, list[bytes]]:
    """What chunk after chunk gives, deleted as it comes."""
    found: dict[str, list[bytes]] = {}
    while chunk := await spool.chunk():
        assert chunk.bytes < 2_000_000
        found.setdefault(chunk.topic, []).extend(message.value for message in chunk.messages)
        await spool.drop_below({chunk.topic: chunk.position})
    return found


async def test_it_gives_back_what_it_was_given_in_chunks_and_in_order(spool: Spool) -> None:
    before = await spool.state()
    assert (before.messages, before.bytes, before.oldest_ms) == (0, 0, None)
    logs, errors = await fill(spool, "logs", 60, 50_000), await fill(spool, "errors", 3)
    state = await spool.state()
    assert (state.id, state.messages) == (before.id, 63)
    assert state.bytes > 3_000_000
    assert state.oldest_ms
    assert await drained(spool) == {"logs": logs, "errors": errors}
    assert await spool.state() == before


async def test_what_was_not_deleted_is_there_after_a_restart_under_the_same_id(path: Path) -> None:
    spool = Spool(path, sqlite_limits())
    await spool.open([LOGS, ERRORS])
    values, before = await fill(spool, "logs", 5), await spool.state()
    await spool.close()
    again = Spool(path, sqlite_limits())
    await again.open([LOGS, ERRORS])
    assert await again.state() == before
    assert await drained(again) == {"logs": values}
    await again.close()


async def test_it_is_of_one_process(spool: Spool, path: Path) -> None:
    second = Spool(path, sqlite_limits())
    with pytest.raises(SpoolInUse, match="stop that first"):
        await second.open()
    await second.close()
    await fill(spool, "logs", 1)


async def test_it_refuses_what_is_beyond_its_limit_or_would_fill_the_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(path, replace(sqlite_limits(), size_bytes=100_000))
    await spool.open([LOGS, ERRORS])
    await spool.check()
    await fill(spool, "logs", 1, 95_000)
    with pytest.raises(QueueFull, match="raise SLUICE_GATEWAY_SPOOL_BYTES"):
        await fill(spool, "logs", 1, 50_000)
    with pytest.raises(QueueFull, match="raise SLUICE_GATEWAY_SPOOL_BYTES"):
        await spool.check()
    assert 0.95 < spool.fullness(await spool.state()) < 1
    await drained(spool)
    assert spool.fullness(await spool.state()) == 0
    await spool.check()
    monkeypatch.setattr(module, "FREE_SHARE", 1.1)
    monkeypatch.setattr(module, "LOOK_S", 0.0)
    with pytest.raises(QueueFull, match="is free"):
        await fill(spool, "logs", 1)
    with pytest.raises(QueueFull, match="is free"):
        await spool.check()
    assert spool.fullness(await spool.state()) == 1
    monkeypatch.setattr(module, "FREE_SHARE", 0.0)
    while True:  # a producer that was refused looks again a little later
        try:
            await fill(spool, "errors", 1)
            break
        except QueueFull:
            await asyncio.sleep(0.02)
    await spool.close()


def test_a_disk_that_is_full_refuses_and_loses_nothing(tmp_path: Path) -> None:
    """On a disk of its own, of 40 MB."""
    mounted = f"mount -t tmpfs -o size=40M none {tmp_path}"
    alone = ["unshare", "--mount", "sh", "-c"]
    if shutil.which("unshare") is None or subprocess.run([*alone, mounted], capture_output=True).returncode:
        pytest.skip("here nobody may mount a disk")
    filling = f"{mounted} && exec {sys.executable} -m tests.unit.shared.spool.full_disk {tmp_path}"
    done = subprocess.run([*alone, filling], capture_output=True, text=True, timeout=60)
    kept = [int(each) for each in re.findall("([0-9]+) messages are as they were", done.stdout)]
    assert (len(kept), kept and kept[0] > 400) == (2, True), done.stderr


async def test_the_disk_gets_back_what_a_drained_file_had_grown_by(spool: Spool, path: Path) -> None:
    await fill(spool, "logs", 100, 200_000)
    await spool.shrink()
    assert size_of(path.parent) > 20_000_000, "it is not empty"
    assert len((await drained(spool))["logs"]) == 100
    identity = (await spool.state()).id
    await spool.shrink()
    assert size_of(path.parent) < 1_000_000
    left = await fill(spool, "logs", 3)
    assert (await spool.state()).id == identity
    assert (await drained(spool))["logs"] == left


async def test_a_segment_whose_bits_changed_puts_the_file_aside_and_nothing_of_it_is_skipped(
    spool: Spool, path: Path
) -> None:
    for _ in range(3):
        await fill(spool, "logs", 2, 600_000)
    first = await spool.state()
    with closing(sqlite3.connect(path)) as db, db:
        rowid, data = db.execute("SELECT rowid, data FROM segments ORDER BY end LIMIT 1").fetchone()
        db.execute("UPDATE segments SET data = ? WHERE rowid = ?", (data[:500] + b"!" + data[501:], rowid))
    with pytest.raises(CorruptSpool, match="corrupt"):
        await spool.chunk()
    aside = await spool.put_aside("a bit")
    assert spool.aside == [aside]
    second = await spool.state()
    assert second.messages == 0
    assert second.id != first.id
    assert await drained(spool) == {} != {"logs": await fill(spool, "logs", 1)}
    kept = Spool(aside, sqlite_limits())
    await kept.open()
    assert await kept.state() == first
    await kept.close()


async def test_a_missing_segment_is_damage_once_what_lies_before_it_is_drained(spool: Spool, path: Path) -> None:
    values = [value for _ in range(3) for value in await fill(spool, "logs", 1)]
    with closing(sqlite3.connect(path)) as db, db:
        assert db.execute("DELETE FROM segments WHERE end = 2").rowcount == 1
    chunk = await spool.chunk()
    assert chunk
    assert ([message.value for message in chunk.messages], chunk.end) == (values[:1], 1)
    await spool.drop_below({"logs": chunk.position})
    with pytest.raises(CorruptSpool, match="messages 1 to 1 of logs: they are missing"):
        await spool.chunk()


@pytest.mark.parametrize("content", [b"no database at all" * 500, b""])
async def test_a_file_that_is_no_spool_is_put_aside(path: Path, content: bytes) -> None:
    put(path, content)
    spool = Spool(path, sqlite_limits())
    with pytest.raises(CorruptSpool):
        await spool.open([LOGS])
    aside = await spool.put_aside("it is none")
    assert aside.read_bytes() == content
    await fill(spool, "logs", 1)
    await spool.close()


async def test_an_older_copy_is_told_from_what_was_drained(spool: Spool) -> None:
    await fill(spool, "logs", 3)
    with pytest.raises(CorruptSpool, match="older copy"):
        await spool.drop_below({"logs": Position(4)})
    await spool.drop_below({"logs": Position(3), "errors": Position(0)})
    assert (await spool.state()).messages == 0


async def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    spool = Spool(tmp_path / "file" / "spool.db", sqlite_limits())
    with pytest.raises(QueueUnavailable, match="can't be made"):
        await spool.open([LOGS])
    await spool.close()
