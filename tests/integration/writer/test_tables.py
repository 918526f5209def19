"""Tables that are missing, or would lose or double rows, are waited for; the lanes of other tables go on."""

from collections.abc import Callable

import pytest

from shared.endpoint import Endpoint, metrics_page
from shared.envelope import seal
from shared.signals.base import create_table
from tests.faults.proxy import Proxy
from tests.integration.writer.records import logs, stamp
from tests.integration.writer.stage import Stage
from tests.integration.writer.writer_process import http_get, until
from writer.main import health_page

SPAN = (
    b'[{"trace_id":"t","span_id":"s","parent_span_id":"p","operation":"GET /",'
    b'"start_time":"2026-02-23T00:00:00Z","duration_ms":1,"status":"ok"}]'
)


SPANS = seal(stamp(1, format="deeptracer.traces"), SPAN)


async def test_a_missing_table_stops_only_its_own_signal(stage: Stage) -> None:
    await stage.make("logs")
    await stage.make("traces", tables=False)
    async with stage.writer("logs", "traces") as running:
        await stage.publish(SPANS, signal="traces")
        await until(lambda: running.waits_for(stage.lane("traces")))
        await stage.publish(logs("goes on"))
        await stage.until_committed(1)
        (waiting,) = running.waits_for(stage.lane("traces")).values()
        assert "sluice migrate" in waiting["reason"]
        stage.make_table("traces")
        await stage.until_committed(1, "traces")
    assert stage.messages() == ["goes on"]
    assert stage.count("spans") == 1


def drop_a_column(stage: Stage) -> None:
    stage.query("ALTER TABLE spans DROP COLUMN parent_span_id")


def forget_tokens(stage: Stage) -> None:
    stage.query("ALTER TABLE spans MODIFY SETTING non_replicated_deduplication_window = 0")


def change_the_engine(stage: Stage) -> None:
    stage.query("CREATE TABLE other ENGINE = Memory AS SELECT * FROM spans")
    stage.query("EXCHANGE TABLES spans AND other")


def take_it_away(stage: Stage) -> None:
    stage.query("RENAME TABLE spans TO kept")


def change_a_type(stage: Stage) -> None:
    stage.query("ALTER TABLE spans MODIFY COLUMN operation String")


def mend(stage: Stage) -> None:
    """What `sluice migrate`, or a person, makes of it."""
    if stage.query("EXISTS TABLE other")[0][0]:
        stage.query("DROP TABLE spans SYNC")
        stage.query("RENAME TABLE other TO spans")
    elif stage.query("EXISTS TABLE kept")[0][0]:
        stage.query("RENAME TABLE kept TO spans")
    else:
        stage.query("ALTER TABLE spans MODIFY COLUMN operation LowCardinality(String)")
        stage.query("ALTER TABLE spans ADD COLUMN IF NOT EXISTS parent_span_id String AFTER span_id")
        stage.query("ALTER TABLE spans MODIFY SETTING non_replicated_deduplication_window = 10000")


UNFIT: dict[Callable[[Stage], None], str] = {
    drop_a_column: "has no column parent_span_id",
    forget_tokens: "remembers no inserts",
    change_the_engine: "has the engine Memory",
    take_it_away: "there is no table",
    change_a_type: "column operation",
}


@pytest.mark.parametrize("spoil", UNFIT, ids=lambda spoil: str(spoil.__name__))
async def test_a_table_unfit_from_the_start_stops_only_its_own_lanes(
    stage: Stage, spoil: Callable[[Stage], None]
) -> None:
    await stage.make("logs", "traces")
    spoil(stage)
    with stage.spawn("logs", "traces") as process:
        await stage.publish(logs("goes on"))
        await stage.until_committed(1)
        await until(lambda: "its lanes wait" in process.log and '"what": "table"' in process.log, what=process.log)
        assert UNFIT[spoil] in process.log
        lane = f'partition="0",topic="{stage.lane("traces").topic}",what="table"'

        async def told() -> bool:
            return f"sluice_waiting{{{lane}}}" in await process.metrics()

        await until(told, what=lane)
        mend(stage)
        await stage.publish(SPANS, signal="traces")
        await stage.until_committed(1, "traces")
    assert stage.count("spans") == 1


@pytest.mark.parametrize("spoil", UNFIT, ids=lambda spoil: str(spoil.__name__))
async def test_a_table_that_becomes_unfit_stops_only_its_own_lanes(
    stage: Stage, spoil: Callable[[Stage], None]
) -> None:
    await stage.make("logs", "traces")
    async with (
        Proxy(stage.clickhouse_url) as proxy,
        stage.writer("logs", "traces", clickhouse_url=proxy.url) as running,
    ):
        await stage.publish(SPANS, signal="traces")
        await stage.publish(logs("before"))
        await stage.until_committed(1)
        await stage.until_committed(1, "traces")
        spoil(stage)
        proxy.deaf = 1  # an insert that fails, or seems to: then the table is looked at again
        await stage.publish(SPANS, signal="traces")
        await until(lambda: UNFIT[spoil] in str(running.waits_for(stage.lane("traces"))))
        await stage.publish(logs("goes on"))
        await stage.until_committed(2)
        assert running.sample("sluice_rows_total", table="spans") == 1
        mend(stage)
        await stage.until_committed(2, "traces")
        assert not running.waits_for(stage.lane("traces"))
    assert stage.count("spans") == 2


async def test_a_type_that_is_changed_between_two_inserts_is_noticed_before_a_byte_is_sent(stage: Stage) -> None:
    await stage.make("traces")
    async with stage.writer("traces") as running:
        await stage.publish(SPANS, signal="traces")
        await stage.until_committed(1, "traces")
        change_a_type(stage)
        await stage.publish(SPANS, signal="traces")
        await until(lambda: UNFIT[change_a_type] in str(running.waits_for(stage.lane("traces"))))
        assert stage.count("spans") == 1
        mend(stage)
        await stage.until_committed(2, "traces")
    assert stage.count("spans") == 2


async def test_a_table_created_later_without_a_window_is_waited_for(stage: Stage) -> None:
    await stage.make("logs", tables=False)
    await stage.publish(logs("a"))
    async with stage.writer() as running:
        await until(lambda: "there is no table" in str(running.waits_for(stage.lane())))
        table = create_table(stage.registry.signals["logs"].table, stage.database)
        stage.query(table.replace("deduplication_window = 10000", "deduplication_window = 0"))
        await until(lambda: "remembers no inserts" in str(running.waits_for(stage.lane())))
        stage.query("ALTER TABLE logs MODIFY SETTING non_replicated_deduplication_window = 10000")
        await stage.until_committed(1)
    assert stage.messages() == ["a"]


async def test_a_window_that_is_too_small_for_the_lanes_is_told_at_the_start(stage: Stage) -> None:
    await stage.make("logs", "drain", partitions=2)
    stage.query("ALTER TABLE logs MODIFY SETTING non_replicated_deduplication_window = 8644")
    with stage.spawn(WRITER_BATCH_AGE_S=0.5) as process:
        await until(lambda: '"may_come": 8645' in process.log, what=process.log)
    assert '"remembers": 8644' in process.log


async def test_health_and_metrics_are_served(stage: Stage) -> None:
    await stage.make("logs")
    async with stage.writer() as running:
        await stage.publish(logs("a"))
        await stage.until_committed(1)
        well = True
        health = health_page(lambda: (well, {"lanes": running.loop.states()}))
        endpoint = Endpoint({"/metrics": metrics_page(running.metrics.registry), "/health": health})
        port = await endpoint.start("127.0.0.1", 0)
        status, body = await http_get(port, "/metrics")
        assert status == 200
        assert 'sluice_rows_total{table="logs"} 1.0' in body
        status, body = await http_get(port, "/health")
        assert (status, '"committed":1' in body) == (200, True)
        well = False
        assert (await http_get(port, "/health"))[0] == 503
        assert (await http_get(port, "/"))[0] == 404
        await endpoint.stop()
