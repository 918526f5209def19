"""`sluice audit` names a queue that was lost, recreated or restored, and never calls it ok (delivery.md, "Audit")."""

import os
import sqlite3
from contextlib import closing
from itertools import count

from tests.integration.writer.ops.commands import audited, proven, sluice
from tests.integration.writer.ops.stage_operator import queue_files, remake
from tests.integration.writer.records import NOW_US, logs
from tests.integration.writer.stage import Stage
from tests.sluice import Ended
from writer.ops.audit.accounting import Counts

_numbers = count()


def messages(*texts: str) -> list[bytes]:
    """No two have the same time, as no two requests have."""
    return [logs(text, received_at=NOW_US + next(_numbers)) for text in texts]


async def stored(stage: Stage, *texts: str) -> None:
    """Publish, and let a writer store it."""
    await stage.publish(*messages(*texts))
    end = (await stage.queue.end_offsets([stage.lane()]))[stage.lane()]
    async with stage.writer():
        await stage.until_committed(end)


async def audit(stage: Stage) -> tuple[Ended, dict[str, object]]:
    """As text, and the lane as JSON."""
    outcome = await sluice(stage, "audit", "--signal", "logs")
    as_json = await sluice(stage, "audit", "--signal", "logs", "--json")
    assert outcome.code == as_json.code
    assert as_json.json["ok"] == (outcome.code == 0)
    (lane,) = as_json.json["partitions"]
    return outcome, lane


async def test_a_remade_queue_that_ends_before_the_rows_is_no_ok(any_stage: Stage) -> None:
    """Messages were acknowledged, and no writer had come to them: nothing in the new queue tells of them."""
    stage = any_stage
    await stage.make("logs")
    await stored(stage, *"abc")
    await stage.publish(*messages("acknowledged", "and lost"))
    await remake(stage)
    outcome, lane = await audit(stage)
    assert outcome.code == 1
    assert "logs:0 has lost its end: ClickHouse has rows up to offset 2, the queue ends before offset 0" in outcome.out
    assert "empty: the queue holds no message of this range" in outcome.out
    assert "ok:" not in outcome.out
    assert (lane["stored_up_to"], lane["former_up_to"]) == (2, None)
    await stored(stage, "new")
    outcome, lane = await audit(stage)
    assert outcome.code == 1, "what lies below the hole is in order, and the hole is still there"
    assert "the queue ends before offset 1" in outcome.out
    assert "logs:0 was remade" in outcome.out
    assert (lane["stored_up_to"], lane["former_up_to"]) == (2, 0)


async def test_a_remade_queue_that_has_outgrown_the_rows_is_no_ok(any_stage: Stage) -> None:
    stage = any_stage
    await stage.make("logs")
    await stored(stage, *"abc")
    await stage.publish(*messages("acknowledged", "and lost"))
    await remake(stage)
    new = [f"new {n}" for n in range(7)]
    await stage.publish(*messages(*new))
    outcome, lane = await audit(stage)
    assert outcome.code == 1, "before a writer comes to it, too"
    assert "logs:0 was remade: ClickHouse has rows of a former queue" in outcome.out
    assert (lane["stored_up_to"], lane["former_up_to"], lane["messages"]) == (None, 2, 0)
    async with stage.writer():
        await stage.until_committed(7)
    assert stage.messages() == sorted([*"abc", *new]), "no row of the former queue was taken for one of this"
    outcome, lane = await audit(stage)
    assert outcome.code == 1
    assert "given out again, up to 2, the last received at" in outcome.out
    assert "ok:" not in outcome.out
    assert (lane["ok"], lane["former_up_to"], lane["found"], lane["missing"]) == (False, 2, 7, 0)
    assert (await sluice(stage, "audit", "--signal", "logs", "--offsets", "3-6")).code == proven(stage), (
        "beyond the former's offsets"
    )


async def test_a_restored_backup_that_has_outgrown_the_rows_is_no_ok(stage: Stage) -> None:
    await stage.make("logs")
    await stored(stage, *"ab")
    file = queue_files(stage)[0]
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(f"{file}.backup")) as target:
        source.backup(target)
    await stored(stage, *"cd")
    for one in queue_files(stage)[1:]:
        one.unlink(missing_ok=True)
    os.replace(f"{file}.backup", file)
    await stored(stage, *(f"new {n}" for n in range(5)))
    assert stage.messages() == sorted([*"abcd", *(f"new {n}" for n in range(5))])
    outcome, lane = await audit(stage)
    assert outcome.code == 1
    assert (lane["former_up_to"], lane["messages"], lane["found"]) == (3, 7, 7)


async def test_rows_that_a_writer_stores_meanwhile_are_nobody_elses(any_stage: Stage) -> None:
    """Stored, and not committed yet: as a writer leaves them that is killed in between."""
    stage = any_stage
    await stage.make("logs")
    await stored(stage, *"abc")
    await stage.publish(*messages(*"de"))
    with stage.spawn(failpoint="after_insert=kill") as killed:
        await killed.ended()
    assert stage.count() > 3
    outcome, lane = await audit(stage)
    assert (outcome.code, lane["ok"], lane["former_up_to"], lane["found"]) == (proven(stage), True, None, 3)


async def test_a_signal_without_messages_needs_no_table(any_stage: Stage) -> None:
    stage = any_stage
    await stage.make("logs")
    await stage.make("traces", "errors", tables=False)
    await stored(stage, *"abc")
    outcome = await sluice(stage, "audit")
    assert (outcome.code, outcome.err) == (proven(stage), "")
    assert "skipped: errors (no table errors), traces (no table spans): there is no message to compare" in outcome.out
    as_json = (await sluice(stage, "audit", "--json")).json
    assert as_json["ok"] is not bool(proven(stage))
    assert {lane["signal"]: lane["skipped"] for lane in as_json["partitions"]} == {
        "logs": False,
        "errors": True,
        "traces": True,
    }
    assert await audited(stage, signals=()) == Counts(messages=3, expected=3, found=3)
    stage.query("DROP TABLE logs")
    assert (await sluice(stage, "audit")).code == 2, "messages need their table"
