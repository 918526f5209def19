"""A group that has no position in a lane, as a new or a forgotten one: what is gone and has no row is a gap
(delivery.md, "Step 1: take the lane over")."""

import pytest

from shared.queue.base import Position
from tests.integration.writer.ops.commands import audited
from tests.integration.writer.ops.stage_operator import drop_below
from tests.integration.writer.records import NOW_US, logs
from tests.integration.writer.stage import Stage
from tests.integration.writer.writer_process import until
from writer.ops.audit.accounting import Counts

TEXTS = [f"text {n}" for n in range(40)]


async def publish(stage: Stage, texts: list[str]) -> None:
    for text in texts:  # one after the other: each a segment of its own, which can be dropped alone
        await stage.publish(logs(text, received_at=NOW_US + TEXTS.index(text)))


async def forget(stage: Stage) -> None:
    await stage.queue.forget_group(stage.group)
    assert await stage.committed() is None


@pytest.mark.parametrize(("stored", "gap"), [(0, 20), (12, 8), (20, 0), (30, 0)])
async def test_what_is_gone_and_has_no_row_is_a_gap(any_stage: Stage, stored: int, gap: int) -> None:
    stage = any_stage
    await stage.make("logs")
    await publish(stage, TEXTS[:stored])
    if stored:
        async with stage.writer():
            await stage.until_committed(stored)
    await publish(stage, TEXTS[stored:])
    await stage.commit(Position(20))
    await drop_below(stage, 20)
    await forget(stage)
    async with stage.writer() as running:
        await stage.until_committed(40)
        assert running.sample("sluice_gap_messages_total", topic=stage.lane().topic) == gap
    assert stage.messages() == sorted({*TEXTS[:stored], *TEXTS[20:]}), "each once"
    markers = [(letter.offset, letter.end) for letter in await stage.letters() if letter.reason == "gap"]
    assert markers == ([(stored, 20)] if gap else [])
    assert await audited(stage) == Counts(messages=20, expected=20, found=20, gaps=gap)


async def test_a_gap_is_noticed_once_also_where_nothing_is_left_to_commit(any_stage: Stage) -> None:
    stage = any_stage
    await stage.make("logs")
    await publish(stage, TEXTS)
    await stage.commit(Position(40))
    await drop_below(stage, 40)
    await forget(stage)
    for gap in (40, 0):
        async with stage.writer() as running:
            await until(lambda here=running: here.lanes)
            assert running.sample("sluice_gap_messages_total", topic=stage.lane().topic) == gap
        assert await stage.committed() == Position(40)
