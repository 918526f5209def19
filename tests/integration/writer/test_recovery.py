"""What the writer does after something went wrong: no row is lost, none is there twice
(delivery.md, "The writer's protocol")."""

import asyncio
import signal
from collections.abc import Callable

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from deploy.local.clickhouse import ClickHouse as Engine
from shared.queue.base import Position
from tests.faults.proxy import Proxy
from tests.integration.writer.records import logs
from tests.integration.writer.stage import Stage
from tests.integration.writer.writer_process import until
from writer import loop, member

TEXTS = [f"message {n}" for n in range(40)]
MESSAGES = [logs(text) for text in TEXTS]


async def test_an_insert_whose_answer_was_lost_is_tried_again_under_the_same_token(stage: Stage) -> None:
    await stage.make("logs")
    await stage.publish(*(logs(*(f"{n} {i} " + "x" * 100 for i in range(100))) for n in range(5)))
    async with Proxy(stage.clickhouse_url) as proxy:
        proxy.deaf = 2
        async with stage.writer(clickhouse_url=proxy.url):
            await stage.until_committed(5)
    first = proxy.tokens[0]
    assert proxy.tokens[:3] == [first, first, first], "two lost answers, three tries"
    assert stage.count() == len(set(stage.messages())) == 500


async def test_offsets_that_went_back_make_no_second_rows(stage: Stage) -> None:
    await stage.make("logs")
    await stage.publish(*MESSAGES)
    async with stage.writer(batch_rows=7):
        await stage.until_committed(40)
    await stage.commit(Position(3))
    # Other batches than before, so the tokens are others too: only looking first can help.
    async with stage.writer(batch_rows=11):
        await stage.until_committed(40)
    assert stage.messages() == sorted(TEXTS)


async def test_a_doubtful_lane_stores_only_what_is_missing(stage: Stage) -> None:
    await stage.make("logs")
    await stage.publish(*MESSAGES)
    async with stage.writer():
        await stage.until_committed(40)
    stage.query("DELETE FROM logs WHERE _offset IN (5, 6, 39)")
    await stage.commit(Position(0))
    async with stage.writer(batch_rows=9):
        await stage.until_committed(40)
    assert stage.messages() == sorted(TEXTS)


async def test_rows_that_were_lost_behind_their_token_are_brought_back(stage: Stage) -> None:
    """As if ClickHouse was killed after writing the token down and before publishing the part."""
    await stage.make("logs")
    await stage.publish(*MESSAGES)
    async with Proxy(stage.clickhouse_url) as proxy:
        async with stage.writer(clickhouse_url=proxy.url, batch_age_s=1.0):
            await stage.until_committed(40)
        (token,) = proxy.tokens
        stage.query("DELETE FROM logs WHERE 1")  # tokens outlive it
        assert stage.count() == 0
        await stage.commit(Position(0, '{"end":40}'))
        async with stage.writer(clickhouse_url=proxy.url):
            await stage.until_committed(40)
    assert proxy.tokens == [token, token, f"{token}#2"]
    assert stage.messages() == sorted(TEXTS)


async def test_a_planned_range_is_cut_exactly_there_again(stage: Stage) -> None:
    await stage.make("logs")
    await stage.publish(*MESSAGES)
    await stage.commit(Position(2, '{"end":31}'))
    async with (
        Proxy(stage.clickhouse_url) as proxy,
        stage.writer(clickhouse_url=proxy.url, batch_rows=5, batch_age_s=0.01),
    ):
        await stage.until_committed(40)
    assert ":2-30:" in proxy.tokens[0]
    assert stage.messages() == sorted(TEXTS[2:])


async def test_a_planned_range_larger_than_the_memory_for_a_lane_is_read_whole(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LEAST_BYTES", 1_000)
    monkeypatch.setattr(member, "RECEIVE_MESSAGES", 3)
    await stage.make("logs")
    await stage.publish(*MESSAGES)
    await stage.commit(Position(0, '{"end":39}'))
    async with stage.writer(held_bytes=1_000):
        await stage.until_committed(40)
    assert stage.messages() == sorted(TEXTS)


async def test_a_plan_beyond_the_end_of_a_restored_queue_stops_nothing(stage: Stage) -> None:
    await stage.make("logs")
    await stage.publish(*MESSAGES[:5])
    await stage.commit(Position(2, '{"end":31}'))
    async with stage.writer():
        await stage.until_committed(5)
        await stage.publish(*MESSAGES[5:])
        await stage.until_committed(40)
    assert stage.messages() == sorted(TEXTS[2:])


async def test_a_committed_offset_beyond_the_end_reads_everything_again(any_stage: Stage) -> None:
    stage = any_stage
    await stage.make("logs")
    await stage.publish(*MESSAGES)
    await stage.commit(Position(5_000))
    async with stage.writer():
        await stage.until_committed(40)
    assert stage.messages() == sorted(TEXTS)


async def test_what_retention_took_is_counted_and_the_rest_is_stored(kafka_stage: Stage) -> None:
    stage = kafka_stage  # the embedded queue drops nothing that isn't consumed
    await stage.make("logs")
    await stage.publish(*MESSAGES)
    await stage.commit(Position(3))
    admin = AIOKafkaAdminClient(bootstrap_servers=stage.queue_url.removeprefix("kafka://"))
    await admin.start()
    await admin.delete_records({TopicPartition(*stage.lane()): RecordsToDelete(before_offset=10)})
    await admin.close()
    async with stage.writer() as running:
        await stage.until_committed(40)
        assert running.sample("sluice_gap_messages_total", topic=stage.lane().topic) == 7
    assert stage.messages() == sorted(TEXTS[10:])


async def test_a_writer_frozen_before_its_insert_stores_nothing_twice_when_it_wakes(any_stage: Stage) -> None:
    stage = any_stage
    await stage.make("logs")
    await stage.publish(*MESSAGES)
    async with Proxy(stage.clickhouse_url) as proxy:
        with stage.spawn(failpoint="before_insert=stop", clickhouse_url=proxy.url, WRITER_BATCH_AGE_S=0.5) as frozen:
            await frozen.frozen()
            async with stage.writer():
                await stage.until_committed(40, within_s=90)
            assert proxy.tokens == []
            frozen.send(signal.SIGCONT)
            await until(lambda: proxy.tokens, what=frozen.log)
            await until(lambda: "lane left" in frozen.log, what=frozen.log)
            await asyncio.sleep(0.3)
    assert stage.messages() == sorted(TEXTS)


async def test_a_writer_that_lost_its_lane_forgets_its_batch(stage: Stage) -> None:
    await stage.make("logs")
    await stage.publish(*MESSAGES)
    async with Proxy(stage.clickhouse_url) as proxy:
        proxy.down = True
        with stage.spawn(clickhouse_url=proxy.url) as first:
            await until(lambda: '"waits"' in first.log, what=first.log)
            await stage.freeze(first)
            async with stage.writer():
                await stage.until_committed(40)
                proxy.down = False
                first.send(signal.SIGCONT)
                await until(lambda: "lane left" in first.log, what=first.log)
    assert proxy.tokens == []
    assert stage.messages() == sorted(TEXTS)


async def test_a_clickhouse_that_is_killed_and_comes_back_is_waited_for(
    stage: Stage, own_clickhouse: Callable[[], Engine]
) -> None:
    engine = own_clickhouse()
    stage.clickhouse_url = engine.url
    await stage.make("logs")
    async with stage.writer() as running:
        await stage.publish(*MESSAGES[:20])
        await stage.until_committed(20)
        engine.kill()
        await stage.publish(*MESSAGES[20:])
        await until(lambda: running.waits_for(stage.lane()))
        assert running.sample("sluice_retries_total", what="insert", reason="Unreachable") > 0
        engine.start()
        await stage.until_committed(40)
        assert not running.waits_for(stage.lane())
    assert stage.messages() == sorted(TEXTS)
