"""`sluice audit`: the queue against the table, with numbers (delivery.md, "Audit")."""

import asyncio
import re
import socket
import time
from dataclasses import replace

import msgspec
import pytest

from shared.envelope import seal
from shared.letters import Letter
from shared.queue.base import Position
from shared.signals.base import US_PER_DAY
from tests.contract.kafka_tools import begun, transacting
from tests.integration.writer.ops.commands import audited, proven, sluice
from tests.integration.writer.ops.stage_operator import drop_below
from tests.integration.writer.records import NOW_US, logs, stamp, strict
from tests.integration.writer.stage import Stage
from writer.dead_letters import closed
from writer.ops.audit.accounting import Counts
from writer.ops.audit.command import advice
from writer.ops.ranges import BadRange


async def stored(stage: Stage, *messages: bytes) -> None:
    """Publish, and let a writer store it."""
    await stage.publish(*messages)
    end = (await stage.queue.end_offsets([stage.lane()]))[stage.lane()]
    async with stage.writer():
        await stage.until_committed(end)


async def test_a_range_that_is_complete_is_ok_and_the_group_stays_as_it_was(any_stage: Stage) -> None:
    stage = any_stage
    await stage.make("logs")
    await stored(stage, logs("a", "b"), logs("c"), seal(stamp(0), b"[]"))
    before = await stage.committed()
    outcome = await sluice(stage, "audit", "--signal", "logs", "--json")
    assert (outcome.code, outcome.err) == (proven(stage), "")
    counts = {
        "messages": 3,
        "expected": 3,
        "found": 3,
        "missing": 0,
        "duplicated": 0,
        "altered": 0,
        "dead_lettered": 0,
        "gaps": 0,
        "purged": 0,
        "expired": 0,
        "unreadable": 0,
    }
    lane = {"signal": "logs", "topic": stage.lane().topic, "partition": 0, "first": 0, "end": 3, "ok": True}
    compared = ["place in the queue", "received_at", "project_id", "retention_days"]
    assert outcome.json == {
        "ok": not proven(stage),
        "empty": False,
        "compared": compared,
        "totals": counts,
        "partitions": [{**lane, "skipped": False, "stored_up_to": None, "former_up_to": None, **counts}],
        "spools": None if proven(stage) else [],
    }
    assert await stage.committed() == before


async def test_what_a_transaction_left_behind_is_in_no_row_and_no_audit_and_no_lag(
    kafka_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("writer.lag.EVERY_S", 0.2)
    stage = kafka_stage
    await stage.make("logs")
    await stage.publish(logs("a"))
    async with transacting(stage.queue_url, stage.lane()) as producer:
        await begun(producer, stage.lane(), [logs("aborted")])
        await producer.abort_transaction()
        await begun(producer, stage.lane(), [logs("b")])
        await producer.commit_transaction()
    async with stage.writer():
        await stage.until_committed(5)  # past the transaction's end, which is no message
        async with transacting(stage.queue_url, stage.lane()) as producer:
            await begun(producer, stage.lane(), [logs("aborted too")])
            await producer.abort_transaction()
        await stage.until_committed(7)
        await stage.publish(logs("c"))
        await stage.until_committed(8)
    assert await stage.queue.end_offsets([stage.lane()]) == {stage.lane(): 8}
    assert await audited(stage) == Counts(messages=3, expected=3, found=3)
    (lane,) = (await sluice(stage, "lag", "--signal", "logs", "--json")).json["lanes"]
    assert (lane["lag_messages"], lane["lag_seconds"], lane["drain_seconds"]) == (0, 0, 0)


async def test_what_lies_beyond_the_committed_offset_is_not_audited(stage: Stage) -> None:
    await stage.make("logs")
    await stage.publish(logs("a"), logs("b"))
    assert await audited(stage) == Counts()
    await stage.commit(Position(1, '{"end":2}'))
    assert await audited(stage) == Counts(messages=1, expected=1, missing=1)


async def test_deleted_and_doubled_rows_are_counted_and_the_exit_code_is_1(stage: Stage) -> None:
    await stage.make("logs")
    await stored(stage, logs(*"abcde"), logs("f"), logs("g"))
    stage.query("DELETE FROM logs WHERE message IN ('b', 'c', 'f')")
    stage.query("INSERT INTO logs SELECT * FROM logs WHERE message IN ('a', 'g')")
    stage.query("INSERT INTO logs SELECT * FROM logs WHERE message = 'g' LIMIT 1")
    assert await audited(stage) == Counts(messages=3, expected=7, found=4, missing=3, duplicated=3)
    assert await audited(stage, offsets=(1, 1)) == Counts(messages=1, expected=1, missing=1)
    outcome = await sluice(stage, "audit", "--signal", "logs")
    assert outcome.code == 1
    assert re.search(r"t\w+\.logs *│ 0 *│ +3 │ +7 │ +4 │ +3 │ +3 │ +0 │ +0 │", outcome.out), outcome.out
    assert "3 missing: `sluice replay`" in outcome.out
    assert "3 duplicated: `sluice replay --rewrite`" in outcome.out


async def test_dead_letters_are_counted_and_are_no_difference(any_stage: Stage) -> None:
    stage = any_stage
    await stage.make("logs")
    wrong_count = seal(stamp(2), b'[{"level":"info","message":"alone"}]')
    await stage.publish(logs("a", "odd", "b"), b"no envelope", wrong_count, logs("odd"), logs("c"))
    async with stage.writer(registry=strict(stage.registry)):
        await stage.until_committed(5)
    counts = Counts(messages=5, expected=3, found=3, dead_lettered=4)
    assert await audited(stage) == counts
    assert counts.ok
    list_them, ok = advice(counts)
    assert "4 dead-lettered:[/yellow] `sluice dlq list`" in list_them
    assert ok.endswith("exactly once or kept as a dead letter")


async def test_a_letter_is_open_until_its_row_is_stored_or_it_is_purged(stage: Stage) -> None:
    await stage.make("logs")
    await stage.publish(logs("a", "odd", "b"), b"no envelope", logs("odd"), logs("odd", "c"))
    async with stage.writer(registry=strict(stage.registry)):
        await stage.until_committed(4)
    in_row, whole, alone, _ = sorted(await stage.letters(), key=lambda letter: letter.offset)
    await _publish_letters(stage, closed(whole, "purged", 1), closed(alone, "redriven", 1))
    assert await audited(stage) == Counts(messages=4, expected=4, found=3, missing=1, dead_lettered=2, purged=1)
    await stage.commit(Position(0))
    async with stage.writer():  # one that can convert them: the records of open letters become rows
        await stage.until_committed(4)
    assert in_row.index == 1
    assert await audited(stage) == Counts(messages=4, expected=6, found=6, purged=1), "what was closed stays closed"


async def test_a_letter_of_a_message_that_is_gone_excuses_nothing(stage: Stage) -> None:
    await stage.make("logs")
    await stored(stage, b"no envelope", logs("a"))
    (letter,) = await stage.letters()
    older = msgspec.structs.replace(letter, offset=1, timestamp_ms=letter.timestamp_ms - 60_000)
    await _publish_letters(stage, older)
    stage.query("TRUNCATE TABLE logs")
    assert await audited(stage) == Counts(messages=2, expected=1, missing=1, dead_lettered=1)


async def test_an_undecodable_message_without_a_letter_is_missing(stage: Stage) -> None:
    await stage.make("logs")
    await stage.publish(b"no envelope", logs("newer", v=99), logs("of tomorrow", format="deeptracer.v9"))
    await stage.commit(Position(3))
    counts = await audited(stage)
    assert counts == Counts(messages=3, expected=1, missing=1, unreadable=2)
    assert not counts.ok
    outcome = await sluice(stage, "audit", "--offsets", "1-2", "--partition", "0", "--from", "2h")
    assert outcome.code == 1
    assert "2 messages unreadable: a newer Sluice wrote them; upgrade this one" in outcome.out


async def test_what_is_past_its_retention_is_not_expected(stage: Stage) -> None:
    await stage.make("logs")
    old = logs("old", "older", received_at=NOW_US - 8 * US_PER_DAY, retention_days=7)
    await stored(stage, old, logs("new"))
    assert await audited(stage) == Counts(messages=2, expected=1, found=1, expired=2)


async def test_rows_of_an_older_topic_of_the_same_name_are_not_counted(stage: Stage) -> None:
    await stage.make("logs")
    await stored(stage, logs("a", "b"), logs("c"))
    earlier = "SELECT * REPLACE (received_at - INTERVAL 1 HOUR AS received_at)"
    stage.query(f"INSERT INTO logs {earlier} FROM logs WHERE message IN ('a', 'b', 'c')")
    assert (await audited(stage)).ok
    stage.query(f"DELETE FROM logs WHERE message IN ('a', 'c') AND received_at >= fromUnixTimestamp64Micro({NOW_US})")
    assert await audited(stage) == Counts(messages=2, expected=3, found=1, missing=2)


async def test_a_range_of_time_is_that_of_the_queue(any_stage: Stage) -> None:
    stage = any_stage
    await stage.make("logs")
    await stage.publish(logs("a"))
    await asyncio.sleep(0.01)
    middle_ms = time.time_ns() // 1_000_000
    await asyncio.sleep(0.01)
    await stored(stage, logs("b", received_at=NOW_US - US_PER_DAY), logs("c"))
    stage.query("TRUNCATE TABLE logs")
    assert await audited(stage, from_ms=middle_ms) == Counts(messages=2, expected=2, missing=2)
    assert await audited(stage, to_ms=middle_ms) == Counts(messages=1, expected=1, missing=1)


async def test_what_retention_took_is_a_gap_before_and_after_the_writer_notices(any_stage: Stage) -> None:
    stage = any_stage
    await stage.make("logs")
    for start in (0, 10):  # embedded, what is published together goes together
        await stage.publish(*(logs(f"{start + n}") for n in range(10)))
    await drop_below(stage, 10)
    await stage.commit(Position(3))
    assert await audited(stage) == Counts(gaps=7)
    before_ms = time.time_ns() // 1_000_000
    async with stage.writer():
        await stage.until_committed(20)
    assert await audited(stage) == Counts(messages=10, expected=10, found=10, gaps=7)
    assert (await audited(stage, from_ms=before_ms)).gaps == 7
    assert (await audited(stage, to_ms=before_ms)).gaps == 0
    assert (await audited(stage, offsets=(0, 4))).gaps == 2
    assert "7 messages lost" in advice(Counts(gaps=7))[0]


async def test_while_a_writer_runs_nothing_is_ever_missing(any_stage: Stage) -> None:
    stage = any_stage
    await stage.make("logs")
    looks: list[Counts] = []
    enough = asyncio.Event()
    published = 0

    async def publish() -> None:
        nonlocal published
        while not enough.is_set():
            await stage.publish(*(logs(f"{published}.{m}", "x", "y") for m in range(20)))
            await stage.publish(logs("z") if published % 10 else b"no envelope")
            published += 1

    async with stage.writer(batch_age_s=0.02):
        load = asyncio.create_task(publish())
        deadline = time.monotonic() + 90
        while len({counts.messages for counts in looks}) < 5:
            assert time.monotonic() < deadline, f"the writer didn't get on between the audits: {looks}"
            looks.append(await audited(stage))
        enough.set()
        await load
        await stage.until_committed(published * 21)
    assert [counts for counts in looks if not counts.ok] == []
    letters = (published + 9) // 10
    rows = published * 61 - letters
    assert await audited(stage) == Counts(messages=published * 21, expected=rows, found=rows, dead_lettered=letters)


async def test_rows_of_another_project_or_retention_are_counted_and_rewritten(
    stage: Stage, migrated_postgres: str
) -> None:
    await stage.make("logs")
    await stored(stage, logs("a", "b", "c"), logs("d"), logs("e", project_id="p2", retention_days=90))
    insert = "INSERT INTO logs SELECT * REPLACE ({} AS {}) FROM logs WHERE message = '{}'"
    for value, column, message in (("'thief'", "project_id", "a"), ("7", "retention_days", "d")):
        stage.query(insert.format(value, column, message))
        kept = "project_id = 'p1' AND retention_days = 30"
        stage.query(f"DELETE FROM logs WHERE message = '{message}' AND {kept}")
    assert await audited(stage) == Counts(messages=3, expected=5, found=5, altered=2)
    outcome = await sluice(stage, "audit", "--signal", "logs")
    assert outcome.code == 1
    assert "2 altered" in outcome.out
    assert "compared: place in the queue, received_at, project_id, retention_days" in outcome.out
    replayed = await sluice(stage, "replay", "--signal", "logs", "--rewrite", POSTGRES_URL=migrated_postgres)
    assert replayed.code == 0, replayed.err
    assert await audited(stage) == Counts(messages=3, expected=5, found=5)
    assert stage.query("SELECT DISTINCT project_id, retention_days FROM logs ORDER BY 1") == [("p1", 30), ("p2", 90)]


SPAN = (
    b'[{"trace_id":"t","span_id":"s","operation":"GET /","start_time":"2026-02-23T00:00:00.123456Z","duration_ms":1.5,'
    b'"status":"ok","attributes":{"a":[1,2.5,null,{"b":"\xc3\xa4"}]}}]'
)
CALL = (
    b'[{"model":"m","provider":"p","operation":"o","input_tokens":1,"output_tokens":2,"cost_usd":0.1,"latency_ms":3}]'
)


async def test_contents_that_are_as_sent_are_in_order_in_every_signal(stage: Stage) -> None:
    await stage.make("logs", "traces", "llm")
    odd = ["", "\0", "ä\U0001f600", "x" * 100_000, "a\nb\\"]
    await stage.publish(logs(*odd, service="s" * 300, environment="e"), logs("b", project_id="p2"), b"no envelope")
    await stage.publish(seal(stamp(1, format="deeptracer.traces"), SPAN), signal="traces")
    await stage.publish(seal(stamp(1, format="deeptracer.llm"), CALL), signal="llm")
    async with stage.writer("logs", "traces", "llm"):
        await stage.until_committed(3)
        await stage.until_committed(1, "traces")
        await stage.until_committed(1, "llm")
    found = await audited(stage, contents=True, signals=("logs", "traces", "llm"))
    assert found == Counts(messages=5, expected=8, found=8, dead_lettered=1)


async def test_contents_changed_in_place_are_found_and_rewritten(stage: Stage, migrated_postgres: str) -> None:
    await stage.make("logs")
    await stored(stage, logs(*"abcde"), logs("f"), logs("g"))
    stage.query("INSERT INTO logs SELECT * REPLACE ('forged' AS message) FROM logs WHERE _offset < 2 AND _index = 0")
    stage.query("INSERT INTO logs SELECT * REPLACE (timestamp + 1 AS timestamp) FROM logs WHERE message = 'c'")
    stage.query("DELETE FROM logs WHERE message IN ('a', 'f')")
    copies = "SELECT count() FROM logs WHERE message = 'c'"
    assert stage.query(copies) == [(2,)]
    plain = Counts(messages=3, expected=7, found=7, duplicated=1)
    assert await audited(stage) == plain
    assert await audited(stage, contents=True) == replace(plain, altered=3)
    outcome = await sluice(stage, "audit", "--signal", "logs", "--contents")
    assert outcome.code == 1
    assert "3 altered" in outcome.out
    assert "compared: place in the queue, every column" in outcome.out
    replayed = await sluice(stage, "replay", "--signal", "logs", "--rewrite", POSTGRES_URL=migrated_postgres)
    assert replayed.code == 0, replayed.err
    assert await audited(stage, contents=True) == Counts(messages=3, expected=7, found=7)
    assert stage.messages() == list("abcdefg")


async def test_an_empty_queue_is_called_empty(any_stage: Stage) -> None:
    stage = any_stage
    await stage.make("logs")
    for _ in range(2):  # nothing at all, then nothing that a writer has committed
        outcome = await sluice(stage, "audit", "--signal", "logs")
        assert outcome.code == proven(stage)
        assert "empty: the queue holds no message of this range that the writers have committed" in outcome.out
        assert "ok:" not in outcome.out
        await stage.publish(logs("a"))


async def test_a_silent_server_is_reported_in_a_sentence(stage: Stage) -> None:
    await stage.make("logs")
    await stage.publish(logs("a"))
    await stage.commit(Position(1))
    with socket.create_server(("127.0.0.1", 0)) as frozen:  # what a stopped server's port looks like
        address = f"127.0.0.1:{frozen.getsockname()[1]}"
        url = re.sub(r"127\.0\.0\.1:\d+", address, stage.clickhouse_url)
        silent = await sluice(stage, "audit", CLICKHOUSE_URL=url, WRITER_INSERT_TIMEOUT_S=0.5)
    gone = await sluice(stage, "audit", "--json", CLICKHOUSE_URL=url)
    for outcome in (silent, gone):
        assert (outcome.code, outcome.out) == (2, "")
        assert "not done: ClickHouse can't be reached" in outcome.err
        assert "Traceback" not in outcome.err
    stage.query("DROP TABLE logs")
    no_table = await sluice(stage, "audit")
    assert no_table.code == 2
    assert "has sluice migrate run?" in no_table.err


async def test_an_unknown_signal_or_partition_is_reported_in_a_sentence(stage: Stage) -> None:
    await stage.make("logs")
    with pytest.raises(BadRange, match="no signal 'lgos'; there are drain, errors, llm, logs, traces"):
        await audited(stage, signals=("lgos",))
    with pytest.raises(BadRange, match=r"no topic 't[0-9a-f]+\.errors': run `sluice migrate`"):
        await audited(stage, signals=("errors",))
    with pytest.raises(BadRange, match="no topic has a partition 7; they go up to 0"):
        await audited(stage, partitions=(7,))


async def _publish_letters(stage: Stage, *letters: Letter) -> None:
    topic = stage.registry.signals["logs"].dead_letter_topic
    for letter in letters:
        await stage.producer.publish(topic, msgspec.json.encode(letter), letter.key)
