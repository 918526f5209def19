"""The writer with nothing in its way."""

import asyncio

from shared.envelope import seal
from tests.integration.writer.stage import NOW_US, Stage, logs, stamp, until


async def test_every_record_becomes_one_row_and_the_offset_is_committed(any_stage: Stage) -> None:
    stage = any_stage
    await stage.make("logs")
    await stage.publish(*(logs(f"{n}a", f"{n}b") for n in range(20)))
    async with stage.writer() as running:
        await stage.until_committed(20)
        assert running.sample("sluice_rows_total", table="logs") == 40
    assert stage.messages() == sorted(f"{n}{letter}" for n in range(20) for letter in "ab")
    found = stage.query("SELECT _topic, _partition, _offset, _index, toUnixTimestamp64Micro(received_at) FROM logs")
    assert sorted(found) == [(stage.lane().topic, 0, n, index, NOW_US) for n in range(20) for index in range(2)]


async def test_a_batch_may_hold_several_formats_and_retentions(stage: Stage) -> None:
    await stage.make("logs")
    other = seal(
        stamp(1, format="proliferate.logs", project_id="p2"), b'[{"level":"warn","message":"two","user":{"id":7}}]'
    )
    await stage.publish(logs("one"), other, logs("three", project_id="p3", retention_days=365))
    async with stage.writer():
        await stage.until_committed(3)
    assert sorted(stage.query("SELECT project_id, message, level, user_id, format, _offset FROM logs")) == [
        ("p1", "one", "info", "", "deeptracer.logs", 0),
        ("p2", "two", "warn", "7", "proliferate.logs", 1),
        ("p3", "three", "info", "", "deeptracer.logs", 2),
    ]


async def test_records_past_their_retention_are_counted_and_not_stored(stage: Stage) -> None:
    await stage.make("logs")
    eight_days_us = 8 * 86_400_000_000
    await stage.publish(logs("old", "older", received_at=NOW_US - eight_days_us, retention_days=7), logs("new"))
    async with stage.writer() as running:
        await stage.until_committed(2)
        await until(lambda: running.sample("sluice_drops_total", signal="logs", reason="expired") == 2)
    assert stage.messages() == ["new"]


async def test_a_stop_flushes_what_is_buffered(stage: Stage) -> None:
    await stage.make("logs")
    async with stage.writer(batch_age_s=60.0) as running:
        await stage.publish(logs("buffered"))
        await until(lambda: any(state["held_bytes"] for state in running.loop.states()))
    assert stage.messages() == ["buffered"]
    await stage.until_committed(1)


async def test_the_backlog_in_memory_is_bounded_while_clickhouse_is_away(stage: Stage) -> None:
    await stage.make("logs")
    big = logs("x" * 400_000)
    await stage.publish(*[big] * 60)
    nowhere = "clickhouse://sluice@127.0.0.1:1/sluice"
    async with stage.writer(clickhouse_url=nowhere, batch_bytes=1_000_000, shutdown_s=0.1) as running:
        await until(lambda: "verify" in running.waits_for(stage.lane()))
        await asyncio.sleep(0.5)
        (state,) = running.loop.states()
        assert state["held_bytes"] <= 2_000_000 + 8_400_000, "two batches, and what one receive brings"
