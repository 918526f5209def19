"""`sluice lag`, and the lag that a writer says itself (issue 5)."""

import asyncio
import json
import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from shared.queue.base import Position
from tests.integration.writer.ops.commands import environment, operator_on, sluice
from tests.integration.writer.stage import ROOT, Proxy, Stage, http_get, logs, until
from writer import lag as lags
from writer.ops.lag.observer import LaneLag, Observer
from writer.ops.ranges import Wanted

LOGS = Wanted(signals=("logs",))


async def look(observer: Observer) -> LaneLag:
    (lane,) = await observer.look()
    return lane


async def test_the_lag_of_a_group_that_does_not_run(any_stage: Stage) -> None:
    stage = any_stage
    await stage.make("logs")
    observer = Observer(operator_on(stage), LOGS)
    assert (await look(observer)).lag.messages == 0
    published_at = time.time()
    await stage.publish(logs("a"))
    await asyncio.sleep(0.5)
    await stage.publish(logs("b"), logs("c"))
    lane = await look(observer)
    assert (lane.state.committed, lane.state.end, lane.lag.messages) == (None, 3, 3)
    assert 0.5 <= lane.lag.seconds <= time.time() - published_at + 0.1
    assert (lane.lag.commit_rate, lane.lag.drain_s) == (0, float("inf"))
    assert lane.lag.arrival_rate > 0
    await stage.commit(Position(1, '{"end":3}'))
    lane = await look(observer)
    assert (lane.state.committed, lane.lag.messages) == (1, 2)
    assert lane.lag.seconds <= time.time() - published_at - 0.4
    assert lane.lag.commit_rate > 0
    await stage.commit(Position(3))
    lane = await look(observer)
    assert (lane.lag.messages, lane.lag.seconds, lane.lag.drain_s) == (0, 0, 0)
    assert await stage.committed() == Position(3)


async def test_a_group_that_catches_up_has_a_time_to_drain(stage: Stage) -> None:
    await stage.make("logs")
    await stage.publish(*(logs(f"{n}") for n in range(100)))
    observer = Observer(operator_on(stage), LOGS)
    await observer.look()
    await asyncio.sleep(0.1)
    await stage.commit(Position(40))
    lane = await look(observer)
    assert lane.lag.drain_s == pytest.approx(60 / lane.lag.commit_rate)


async def test_the_command_tells_people_and_programs(stage: Stage) -> None:
    await stage.make("logs", "errors")
    await stage.publish(logs("a"), logs("b"))
    await stage.commit(Position(1))
    shown, told = await asyncio.gather(sluice(stage, "lag"), sluice(stage, "lag", "--signal", "logs", "--json"))
    assert (shown.code, told.code) == (0, 0), told.err
    assert re.search(r"t\w+\.errors *│ +0 │ +nothing │ +0 │ +0 │ +0 s │ +0 │ +0 │ +0 s │", shown.out), shown.out
    assert re.search(r"t\w+\.logs *│ +0 │ +1 │ +2 │ +1 │ +[\d.]+ s │ +0 │ +0 │ +never at", shown.out), shown.out
    (lane,) = told.json["lanes"]
    assert lane.pop("lag_seconds") > 0
    assert lane == {
        "signal": "logs",
        "topic": stage.lane().topic,
        "partition": 0,
        "committed": 1,
        "end": 2,
        "lost": 0,
        "lag_messages": 1,
        "commit_rate": 0,
        "arrival_rate": 0,
        "drain_seconds": None,
    }
    assert told.json["totals"]["lag_messages"] == 1


async def test_watched_and_served_it_follows_the_group_and_outlives_the_queue(stage: Stage, tmp_path: Path) -> None:
    await stage.make("logs")
    await stage.publish(logs("a"), logs("b"))
    arguments = ("lag", "--signal", "logs", "--watch", "--json", "--interval", "0.2", "--metrics-port", "0")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "shared.cli", *arguments),
        env=environment(stage),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(90):
            port = int((await process.stderr.readline()).split(b":")[-1].split(b"/")[0])
            first = json.loads(await process.stdout.readline())
            assert first["totals"]["lag_messages"] == 2
            await stage.commit(Position(2))
            while json.loads(await process.stdout.readline())["totals"]["lag_messages"]:
                pass
            labels = f'{{partition="0",topic="{stage.lane().topic}"}}'
            metrics = (await http_get(port, "/metrics"))[1]
            for name in ("messages", "seconds", "drain_seconds"):
                assert f"sluice_lag_{name}{labels} 0.0" in metrics
            os.rename(tmp_path / "queue.db", tmp_path / "away.db")
            assert b"the queue can't be read: there is no queue file" in await process.stderr.readline()
            assert "sluice_lag_messages{" not in (await http_get(port, "/metrics"))[1]
            os.rename(tmp_path / "away.db", tmp_path / "queue.db")
            while (await process.stdout.readline()).count(b'"lag_messages":0') != 2:
                pass
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_queue_that_is_not_there_is_told_in_a_sentence(stage: Stage) -> None:
    outcome = await sluice(stage, "lag", "--watch", QUEUE_URL="sqlite:////nowhere/queue.db")
    assert outcome.code == 2
    assert "there is no queue file /nowhere/queue.db: run `sluice migrate`" in outcome.err


async def test_a_writer_says_how_old_its_first_uncommitted_message_is(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lags, "EVERY_S", 0.05)
    await stage.make("logs")
    labels = {"topic": stage.lane().topic, "partition": "0"}
    async with Proxy(stage.clickhouse_url) as proxy, stage.writer(clickhouse_url=proxy.url) as running:
        await stage.publish(logs("a"))
        await stage.until_committed(1)
        await until(lambda: running.sample("sluice_lag_commit_rate", **labels) > 0)
        assert running.sample("sluice_lag_seconds", **labels) == 0
        proxy.down = True
        for task in list(proxy._tasks):
            task.cancel()
        published_at = time.time()
        await stage.publish(logs("b"))
        await asyncio.sleep(0.3)
        await stage.publish(logs("c"))
        await until(lambda: running.sample("sluice_lag_messages", **labels) == 2)
        await until(lambda: running.sample("sluice_lag_seconds", **labels) > 0.5)
        assert running.sample("sluice_lag_seconds", **labels) <= time.time() - published_at
        await until(lambda: running.sample("sluice_lag_drain_seconds", **labels) == float("inf"))
        proxy.down = False
        await stage.until_committed(3)
        await until(lambda: running.sample("sluice_lag_seconds", **labels) == 0)
