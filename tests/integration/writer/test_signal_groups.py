"""A group a signal: signals scaled apart, and lanes taken over from the one group of before
(delivery.md, "A group a signal", "From one group to a group a signal")."""

import signal

import pytest
from structlog.testing import capture_logs

from shared.doctor.queue import look_at_other_groups
from shared.queue.base import Position
from shared.queue.lane_state import lane_states
from tests.contract.members import joined
from tests.integration.writer.ops.commands import audited
from tests.integration.writer.records import logs
from tests.integration.writer.stage import Stage
from tests.integration.writer.writer_process import until
from writer.ops.audit.accounting import Counts

TEXTS = [f"text {n}" for n in range(40)]


def left(captured: list[dict[str, object]], topic: str) -> int:
    return sum(str(line["event"]).startswith("lane left to") and line["topic"] == topic for line in captured)


async def test_scaling_one_signal_takes_no_lane_of_another_away(any_stage: Stage) -> None:
    stage = any_stage
    stage.group = f"{stage.group}.{{signal}}"
    await stage.make("logs", "errors", partitions=2)
    topics = {name: stage.lane(name).topic for name in ("logs", "errors")}
    with capture_logs() as captured:
        async with stage.writer("logs", "errors") as both:
            await until(lambda: len(both.lanes) == 4, within_s=40)
            async with stage.writer("logs") as more:
                await until(lambda: (len(both.lanes), len(more.lanes)) == (3, 1), within_s=40)
            await until(lambda: len(both.lanes) == 4, within_s=40)
        assert left(captured, topics["logs"]) > 0
        assert left(captured, topics["errors"]) == 0
    assert {group.name for group in await stage.queue.groups()} >= {stage.groups.of(topic) for topic in topics.values()}


async def test_lanes_go_on_from_the_former_group_with_its_plan_once_it_has_no_member(any_stage: Stage) -> None:
    stage, former = any_stage, any_stage.group
    await stage.make("logs")
    await stage.publish(*(logs(text) for text in TEXTS))
    with stage.spawn(failpoint="after_insert=kill:2", WRITER_BATCH_ROWS=10) as killed:
        assert await killed.ended() == -signal.SIGKILL, killed.log
    stage.group = f"{former}.{{signal}}"
    lane = stage.lane()
    (left_at,) = (await stage.queue.committed(former, [lane])).values()
    assert left_at is not None
    assert left_at.metadata, "a planned range, whose rows are stored"
    with capture_logs() as captured:
        async with stage.writer(batch_rows=7) as running:
            await until(lambda: "stop those writers" in str(running.waits_for(lane)), within_s=30)
            assert (await lane_states(stage.queue, stage.groups, [lane]))[lane].committed == left_at.offset
            await stage.until_committed(40)
    (taken,) = [line for line in captured if line["event"] == "lane taken over"]
    assert (taken["offset"], taken["planned_end"]) == (left_at.offset, 20)
    assert stage.messages() == sorted(TEXTS), "each once"
    assert await audited(stage) == Counts(messages=40, expected=40, found=40)
    assert (await stage.queue.committed(former, [lane]))[lane] == left_at


async def test_writers_of_both_groups_at_once_write_each_row_once_there_and_back(any_stage: Stage) -> None:
    stage, one, each = any_stage, any_stage.group, f"{any_stage.group}.{{signal}}"
    await stage.make("logs")
    lane = stage.lane()
    async with stage.writer(batch_rows=7) as before:
        await until(lambda: before.lanes == [lane], within_s=30)  # it has committed nothing there yet
        async with stage.writer(group=each, batch_rows=5) as after:
            await until(lambda: "stop those writers" in str(after.waits_for(lane)), within_s=30)
            await stage.publish(*(logs(text) for text in TEXTS[:20]))
            await stage.until_committed(20)
            assert "stop those writers" in str(after.waits_for(lane))
    stage.group = each
    async with stage.writer(batch_rows=5):
        await stage.until_committed(20)
        await stage.publish(*(logs(text) for text in TEXTS[20:30]))
        await stage.until_committed(30)
        async with stage.writer(group=one, batch_rows=7) as late:  # where lanes have left it
            await until(lambda: "stop those writers" in str(late.waits_for(lane)), within_s=30)
            await stage.publish(*(logs(text) for text in TEXTS[30:]))
            await stage.until_committed(40)
    await stage.queue.forget_group(one)
    stage.group = one
    with capture_logs() as captured:
        async with stage.writer():
            await stage.until_committed(40)
    (taken,) = [line for line in captured if line["event"] == "lane taken over"]
    assert (taken["offset"], stage.messages()) == (40, sorted(TEXTS))


@pytest.mark.parametrize("offset", [0, 40])
async def test_a_position_is_taken_over_also_where_there_is_nothing_to_write(stage: Stage, offset: int) -> None:
    await stage.make("logs")
    await stage.publish(*(logs(text) for text in TEXTS[:offset]))
    await stage.commit(Position(offset))
    former, stage.group = stage.group, f"{stage.group}.{{signal}}"

    async def doctor_says() -> str:
        (found,) = await look_at_other_groups(stage.queue, stage.groups)
        return found.sentence

    assert await doctor_says() == f"lanes wait at the position of {former!r}, 1: start their writers"
    async with stage.writer():
        await stage.until_committed(offset)
        async with joined(stage.queue, former, [stage.lane().topic]) as late:
            await late.until_owning(1)
            assert "has members, 1, and SLUICE_WRITER_GROUP is" in await doctor_says()
    assert await doctor_says() == f"all lanes have left {former!r}: `sluice group forget {former}`"
    await stage.queue.forget_group(former)
    assert await look_at_other_groups(stage.queue, stage.groups) == []
