"""Another file takes the place of the queue file under a running writer and a running producer (kind: ABA): what is
acknowledged from then on becomes rows, without a restart."""

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from shared.queue.base import QueueUnavailable
from shared.queue.sqlite import SqliteQueue
from tests.contract.engines import sqlite_limits
from tests.integration.writer.records import NOW_US, logs
from tests.integration.writer.stage import Stage
from tests.integration.writer.writer_process import until
from tests.topics import topic_spec

_numbers = count()


def message(text: str) -> bytes:
    """No two have the same time, as no two requests have."""
    return logs(text, received_at=NOW_US + next(_numbers))


def file_of(stage: Stage) -> Path:
    return Path(stage.queue_url.removeprefix("sqlite:///"))


def backup(stage: Stage) -> Path:
    copy = file_of(stage).with_name("backup.db")
    with closing(sqlite3.connect(file_of(stage))) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


async def a_backup(stage: Stage) -> Path:
    return file_of(stage).with_name("backup.db")


async def an_empty_one(stage: Stage, *texts: str) -> Path:
    path = file_of(stage).with_name("new.db")
    queue = SqliteQueue(path, sqlite_limits())
    signal = stage.registry.signals["logs"]
    await queue.create_topics([topic_spec(signal.topic, 1), topic_spec(signal.dead_letter_topic, 1, compacted=True)])
    producer = queue.producer()
    await producer.start()
    for text in texts:
        await producer.publish(signal.topic, message(text))
    await producer.stop()
    await queue.close()
    return path


async def anothers(stage: Stage) -> Path:
    return await an_empty_one(stage, *(f"another's {n}" for n in range(25)))


@pytest.mark.parametrize("held", ["all stored", "a backlog"])
@pytest.mark.parametrize("new", [a_backup, an_empty_one, anothers])
async def test_what_is_acknowledged_after_a_replacement_becomes_rows(
    stage: Stage, new: Callable[[Stage], Awaitable[Path]], held: str
) -> None:
    await stage.make("logs")
    first = [f"first {n}" for n in range(10)]
    second = [f"second {n}" for n in range(10)]
    acknowledged: list[str] = []
    enough = asyncio.Event()

    async def go_on_publishing() -> None:
        """One after the other, as a gateway's clients: what is refused is sent again."""
        for number in count():
            if enough.is_set():
                return
            try:
                await stage.publish(message(f"later {number}"))
            except QueueUnavailable:
                await asyncio.sleep(0.05)
            else:
                acknowledged.append(f"later {number}")

    with capture_logs() as told:
        async with stage.writer(batch_age_s=0.02 if held == "all stored" else 0.5) as running:
            await stage.publish(*map(message, first))
            await stage.until_committed(10)
            backup(stage)
            await stage.publish(*map(message, second))
            await stage.until_committed(20)
            new_file = await new(stage)
            publishing = asyncio.create_task(go_on_publishing())
            await until(lambda: len(acknowledged) > 30)
            for end in ("-wal", "-shm"):
                os.replace(f"{file_of(stage)}{end}", f"{file_of(stage)}{end}.old")
            os.replace(new_file, file_of(stage))
            before = len(acknowledged)
            await until(lambda: len(acknowledged) > before + 60)
            enough.set()
            await publishing
            (end,) = (await stage.queue.end_offsets([stage.lane()])).values()
            await stage.until_committed(end)
            assert running.lanes == [stage.lane()]
    stored = stage.messages()
    assert len(stored) == len(set(stored)), "none is there twice"
    assert set(first + second) <= set(stored)
    assert set(acknowledged[before + 1 :]) <= set(stored)
    if new is anothers:
        assert {f"another's {n}" for n in range(25)} <= set(stored)
    assert "the queue file was replaced" in str(told)
