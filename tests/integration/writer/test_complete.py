"""How far what is stored is complete, beside real queues and writers
(contracts.md, "How far an answer is complete")."""

import asyncio
import time
from collections.abc import Callable

import pytest

from gateway.query.as_of import AsOf
from gateway.query.complete import Complete, Completeness
from gateway.query.observing import observation
from shared.clock import clock
from tests.integration.writer.records import logs
from tests.integration.writer.stage import Stage


async def until(completeness: Completeness, wanted: Callable[[Complete], bool]) -> Complete:
    deadline = time.monotonic() + 60
    while not wanted(found := await completeness.now()):
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.01)
    return found


def now_us() -> int:
    return time.time_ns() // 1000


def in_state(stage: Stage, state: AsOf) -> int:
    """How many rows are in a state."""
    sql = state.condition.sql
    for name, value in state.condition.values.items():
        sql = sql.replace(f"%({name})s", repr(value))
    return int(stage.query(f"SELECT count() FROM logs WHERE {sql}")[0][0])


async def test_a_message_that_no_writer_has_stored_holds_it_back(
    any_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observation, "EVERY_S", 0.02)
    stage, began = any_stage, now_us()
    await stage.make("logs", partitions=3)
    topic = stage.registry.signals["logs"].topic
    completeness = Completeness(stage.queue, stage.groups, [topic], clock(0))
    await until(completeness, lambda found: (found.up_to or 0) >= began)

    await stage.publish(*(logs(f"{n}", received_at=began) for n in range(20)))
    published = now_us()
    for _ in range(50):
        await asyncio.sleep(0.01)
        found = await completeness.now()
    assert found.up_to is not None
    assert began <= found.up_to <= published

    async with stage.writer():
        found = await until(completeness, lambda found: (found.up_to or 0) > published)
        assert stage.count() == 20
        assert found.as_of is not None
        assert sum(found.as_of.ends[topic]) == 20
        assert in_state(stage, found.as_of) == 20
        await stage.publish(logs("later", received_at=now_us()))
        answered = now_us()
        later = await until(completeness, lambda found: (found.up_to or 0) > answered)
        assert later.as_of is not None
        assert (in_state(stage, later.as_of), in_state(stage, found.as_of)) == (21, 20)
    await completeness.close()
