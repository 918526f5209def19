"""A gateway's spool over its life: drained when Kafka is back, put aside when it is corrupt, and told of."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from gateway.spooling import keeper as module
from gateway.spooling import notes as noting
from gateway.spooling.breakers import Breakers
from gateway.spooling.keeper import Keeper
from gateway.spooling.notes import Notes
from shared.clients.postgres import PostgresUnavailable
from shared.metrics import SpoolGauges
from shared.queue.base import Position, QueueUnavailable
from shared.queue.spool.aside import NAME
from shared.queue.spool.file import Spool
from shared.queue.spool.rows import CorruptSpool
from shared.settings import BadSetting
from tests.contract.engines import sqlite_limits
from tests.topics import topic_spec

LOGS = [topic_spec("logs", 1)]


class Kafka:
    def is_away(self, topic: str, after_s: float) -> bool:
        return False

    def give_back(self, topic: str) -> None: ...

    async def ping(self, topic: str) -> None: ...


class Drain:
    """Ends as the test says."""

    def __init__(self) -> None:
        self.runs = 0
        self.error: Exception | None = None

    async def run(self, on_chunk: Callable[[int], None]) -> None:
        self.runs += 1
        if self.error:
            raise self.error

    def stop(self) -> None: ...


class Spools:
    """What Postgres is told."""

    def __init__(self) -> None:
        self.notes: list[tuple[Any, ...]] = []
        self.away = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def note(self, *told: Any) -> None:
        await self.answers.wait()
        if self.away:
            raise PostgresUnavailable("away")
        self.notes.append(told)


class Stage:
    def __init__(self, folder: Path) -> None:
        self.spool = Spool(folder / NAME, sqlite_limits())
        self.drain, self.spools = Drain(), Spools()
        kafka = Kafka()
        self.breakers = Breakers(kafka, ["logs"], kafka.ping)
        self.breaker = self.breakers.of("logs")
        self.registry = CollectorRegistry()
        gauges = SpoolGauges(self.registry, lambda: self.breaker.is_open)
        self.notes = Notes(self.spool, gauges, self.spools, waited_s=15.0)  # type: ignore[arg-type]
        self.keeper = Keeper(self.spool, LOGS, self.drain, self.breakers, self.notes)  # type: ignore[arg-type]

    def gauge(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"sluice_spool{name}")


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    for each in (module, noting):
        monkeypatch.setattr(each, "LOOK_S", 0.01)
    monkeypatch.setattr(module, "AGAIN_S", 0.01)
    stage = Stage(tmp_path)
    await stage.keeper.open()
    yield stage
    await stage.keeper.close()


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)


async def test_it_is_drained_again_and_again_but_not_while_kafka_is_away(stage: Stage) -> None:
    stage.breaker.is_open = True
    await stage.keeper.start()
    await until(lambda: stage.spools.notes)
    assert stage.drain.runs == 0
    stage.drain.error = QueueUnavailable("not yet")
    stage.breaker.may_probe = True
    await until(lambda: stage.drain.runs > 1)
    assert stage.breaker.is_open
    stage.drain.error = None
    await until(lambda: not stage.breaker.is_open)


async def test_a_drain_that_fails_again_and_again_is_tried_less_and_less_often(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def wait_for(waiting: Coroutine[Any, Any, bool], pause_s: float) -> bool:
        pauses.append(pause_s)
        stage.drain.error = None if len(pauses) == 6 else QueueUnavailable("no right")
        if len(pauses) < 8:
            waiting.close()
            raise TimeoutError
        return await waiting

    monkeypatch.setattr(module, "AGAIN_S", 5.0)
    monkeypatch.setattr(module.asyncio, "wait_for", wait_for)
    stage.drain.error = QueueUnavailable("no right")
    await stage.keeper.start()
    await until(lambda: len(pauses) == 8)
    assert pauses == [5, 10, 20, 40, 60, 60, module.LOOK_S, 5]


async def test_a_corrupt_spool_is_put_aside_and_told(stage: Stage) -> None:
    await stage.spool.publish("logs", b"one")
    stage.drain.error = CorruptSpool("a bit")
    await stage.keeper.start()
    await until(lambda: stage.spool.aside)
    stage.drain.error = None
    await until(lambda: stage.gauge("s_aside"))
    await until(lambda: stage.gauge("_messages") == 0)


async def test_damage_is_noticed_while_kafka_is_away(stage: Stage) -> None:
    stage.breaker.is_open = True
    await asyncio.gather(*(stage.spool.publish("logs", os.urandom(30_000)) for _ in range(20)))
    with closing(sqlite3.connect(stage.spool.path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with stage.spool.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 12)  # the tables' first pages
    await stage.keeper.start()
    await until(lambda: stage.spool.aside)
    await until(lambda: stage.spool.is_open)
    await stage.spool.publish("logs", b"one")
    assert stage.drain.runs == 0


async def test_a_spool_that_can_not_be_put_aside_or_whose_file_is_deleted_is_opened_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = 0

    def refused(*_: Any) -> None:
        nonlocal tried
        tried += 1
        raise OSError(30, "Read-only file system")

    stage.drain.error = CorruptSpool("a bit")
    with monkeypatch.context() as patched:
        patched.setattr(os, "link", refused)
        await stage.keeper.start()
        await until(lambda: tried > 1)
    await until(lambda: stage.spool.aside)
    stage.drain.error = None
    stage.breaker.is_open = True
    await until(lambda: stage.spool.is_open)
    await stage.spool.publish("logs", b"one")
    stage.spool.path.unlink()
    await until(lambda: stage.spool.is_open)
    await stage.spool.publish("logs", b"two")


async def test_a_newer_file_ends_the_start_with_a_sentence(stage: Stage, tmp_path: Path) -> None:
    await stage.keeper.close()
    with closing(sqlite3.connect(tmp_path / NAME)) as db:
        db.execute("PRAGMA user_version = 99")
    again = Stage(tmp_path)
    with pytest.raises(BadSetting, match="has format version 99"):
        await again.keeper.open()
    assert again.spool.aside == []
    await again.keeper.close()


async def test_postgres_is_told_when_it_fills_and_when_it_is_empty_again(stage: Stage) -> None:
    await stage.notes.look()
    await stage.notes.look()
    await stage.spool.publish("logs", b"one")
    stage.spools.away = True
    with pytest.raises(PostgresUnavailable):
        await stage.notes.look()
    assert stage.gauge("_messages") == 1
    stage.spools.away = False
    await stage.notes.look()
    state = await stage.spool.state()
    assert state.oldest_ms
    await stage.spool.drop_below({"logs": Position(1)})
    await stage.notes.look()
    told = [(messages, oldest_us) for _, _, messages, _, oldest_us in stage.spools.notes]
    assert told == [(0, None), (1, state.oldest_ms * 1000 - 15_000_000), (0, None)]


async def test_who_spools_the_first_message_is_answered_when_postgres_knows(stage: Stage) -> None:
    await stage.notes.look()
    for n in range(2):
        stage.spools.answers.clear()
        await stage.spool.publish("logs", b"one")
        waiting = [asyncio.create_task(stage.notes.told()) for _ in range(3)]
        await asyncio.sleep(0.02)
        assert not any(task.done() for task in waiting)
        stage.spools.answers.set()
        await asyncio.gather(*waiting)
        await stage.notes.told()
        await stage.spool.drop_below({"logs": Position(n + 1)})
        await stage.notes.look()
    assert [told[2] for told in stage.spools.notes] == [0, 1, 0, 1, 0], "not once a message"


async def test_a_postgres_that_is_away_holds_up_one_request_and_not_for_long(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noting, "TELL_S", 0.02)
    stage.spools.answers.clear()
    await stage.spool.publish("logs", b"one")
    await stage.notes.told()
    monkeypatch.setattr(noting, "TELL_S", 3600.0)
    await stage.notes.told()
    stage.spools.answers.set()
    await until(lambda: stage.spools.notes)


async def test_what_is_left_at_the_end_is_told(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    await stage.keeper.open()
    stage.breaker.is_open = True
    await stage.keeper.start()
    await until(lambda: stage.spools.notes)
    await stage.spool.publish("logs", b"one")
    await stage.keeper.close()
    assert [told[2] for told in stage.spools.notes] == [0, 1]


async def test_telling_goes_on_after_an_error_that_nobody_foresaw(stage: Stage) -> None:
    answers, stage.spools.answers = stage.spools.answers, None  # type: ignore[assignment]
    telling = asyncio.create_task(stage.notes.keep())
    await until(lambda: stage.gauge("_messages") is not None)
    stage.spools.answers = answers
    await until(lambda: stage.spools.notes)
    telling.cancel()


async def test_a_second_process_refuses_to_start_and_a_file_that_is_no_spool_is_put_aside(
    stage: Stage, tmp_path: Path
) -> None:
    second = Stage(tmp_path)
    with pytest.raises(BadSetting, match=r"SLUICE_GATEWAY_SPOOL: .* another process's"):
        await second.keeper.open()
    await second.keeper.close()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / NAME).write_text("no spool" * 1000)
    third = Stage(tmp_path / "other")
    await third.keeper.open()
    assert len(third.spool.aside) == 1
    await third.keeper.check()
    await third.keeper.close()
