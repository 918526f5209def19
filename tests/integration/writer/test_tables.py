"""Tables that are missing are waited for; tables that would lose or double rows are refused."""

import os

from shared.envelope import seal
from shared.signals.base import create_table
from tests.integration.writer.stage import Stage, http_get, logs, stamp, until
from writer.endpoint import Endpoint

SPAN = (
    b'[{"trace_id":"t","span_id":"s","operation":"GET /","start_time":"2026-02-23T00:00:00Z","duration_ms":1,'
    b'"status":"ok"}]'
)


async def test_a_missing_table_stops_only_its_own_signal(stage: Stage) -> None:
    await stage.make("logs")
    await stage.make("traces", tables=False)
    span = seal(stamp(1, format="deeptracer.traces"), SPAN)
    async with stage.writer("logs", "traces") as running:
        await stage.publish(span, signal="traces")
        await until(lambda: running.waits_for(stage.lane("traces")))
        await stage.publish(logs("goes on"))
        await stage.until_committed(1)
        (waiting,) = running.waits_for(stage.lane("traces")).values()
        assert "sluice migrate" in waiting["reason"]
        stage.make_table("traces")
        await stage.until_committed(1, "traces")
    assert stage.messages() == ["goes on"]
    assert stage.count("spans") == 1


async def test_a_table_without_a_window_is_refused_at_the_start(stage: Stage) -> None:
    await stage.make("logs")
    stage.query("ALTER TABLE logs MODIFY SETTING non_replicated_deduplication_window = 0")
    with stage.spawn() as process:
        assert await process.ended() == os.EX_CONFIG
        assert "table" in process.log
        assert "remembers no inserts" in process.log
        assert "sluice migrate" in process.log


async def test_a_table_that_lacks_a_column_is_refused_at_the_start(stage: Stage) -> None:
    await stage.make("logs")
    stage.query("ALTER TABLE logs DROP COLUMN logger_name")
    with stage.spawn() as process:
        assert await process.ended() == os.EX_CONFIG
        assert "has no column logger_name: run `sluice migrate`" in process.log


async def test_a_table_that_comes_without_a_window_later_ends_the_writer(stage: Stage) -> None:
    await stage.make("logs", tables=False)
    await stage.publish(logs("a"))
    with stage.spawn() as process:
        await until(lambda: '"waits"' in process.log, what=process.log)
        table = create_table(stage.registry.signals["logs"].table, stage.database)
        stage.query(table.replace("deduplication_window = 10000", "deduplication_window = 0"))
        assert await process.ended() == os.EX_CONFIG
        assert "remembers no inserts" in process.log


async def test_health_and_metrics_are_served(stage: Stage) -> None:
    await stage.make("logs")
    async with stage.writer() as running:
        await stage.publish(logs("a"))
        await stage.until_committed(1)
        well = True
        endpoint = Endpoint(running.metrics.registry, lambda: (well, {"lanes": running.loop.states()}))
        port = await endpoint.start(0)
        status, body = await http_get(port, "/metrics")
        assert status == 200
        assert 'sluice_rows_total{table="logs"} 1.0' in body
        status, body = await http_get(port, "/health")
        assert (status, '"committed":1' in body) == (200, True)
        well = False
        assert (await http_get(port, "/health"))[0] == 503
        assert (await http_get(port, "/"))[0] == 404
        await endpoint.stop()
