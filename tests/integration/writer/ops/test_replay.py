"""`sluice replay`: ClickHouse gets what the topic says, while writers run, twice as once (delivery.md, "Replay")."""

import asyncio
import random
import signal
from collections.abc import Callable
from typing import Any

import msgspec
import psycopg
import pytest

from shared import fingerprint
from shared.clients.postgres import LockHeld, PostgresUnavailable, locked
from shared.envelope import seal
from shared.failpoints import Failpoints, Point
from shared.formats.base import Columns, Rows
from shared.queue.base import Position
from shared.signals.base import US_PER_DAY
from tests.faults.proxy import Proxy
from tests.integration.writer.ops.commands import audited
from tests.integration.writer.ops.stage_operator import StageOperator, drop_below
from tests.integration.writer.records import NOW_US, logs, stamp, with_format
from tests.integration.writer.stage import Stage
from tests.integration.writer.writer_process import until
from writer.ops.replay.regrouping import Grouping
from writer.ops.replay.replay import BadVersion, Options
from writer.ops.restore import session
from writer.ops.restore.guard import lock_name
from writer.tables import MissingTable

TEXTS = [f"message {n}" for n in range(40)]
MESSAGES = [logs(text) for text in TEXTS]
EIGHT_DAYS_US = 8 * US_PER_DAY


async def stored(stage: Stage, *messages: bytes, of: str = "logs") -> None:
    """Publish, and have a writer store it."""
    await stage.make(of)
    await stage.publish(*messages, signal=of)
    async with stage.writer(of):
        await stage.until_committed(len(messages), of)


def error(n: int, version: int = 1) -> bytes:
    stack = f"TypeError: no {n}\n  at f{n} (/src/a.js:1:2)"
    record = msgspec.json.encode([{"error_message": f"TypeError: no {n}", "stack_trace": stack}])
    return seal(stamp(1, format="deeptracer.errors", event_ids=(f"e{n}",), fingerprint_version=version), record)


class Hook(Failpoints):
    """Does something in this process at a failpoint."""

    def __init__(self, point: Point, action: Callable[[], Any]) -> None:
        super().__init__()
        self._wanted, self._action = point, action

    def reach(self, point: Point) -> None:
        if point == self._wanted:
            self._action()


async def test_rows_deleted_in_clickhouse_come_back_and_a_second_replay_changes_nothing(
    any_stage: Stage, operators_db: str
) -> None:
    stage, operator = any_stage, StageOperator(any_stage, operators_db, batch_rows=7)
    await stored(stage, *MESSAGES, logs("old", received_at=NOW_US - EIGHT_DAYS_US, retention_days=7))
    stage.query("DELETE FROM logs WHERE _offset IN (0, 5, 6, 7, 39)")
    before = await stage.committed()
    dry = await operator.replay(options=Options(dry_run=True))
    assert (dry.inserted, dry.already_present, stage.count()) == (5, 35, 35)
    first = await operator.replay()
    assert (first.read, first.inserted, first.already_present, first.expired) == (41, 5, 35, 1)
    assert first.complete
    second = await operator.replay()
    assert (second.read, second.inserted, second.already_present) == (41, 0, 40)
    assert stage.messages() == sorted(TEXTS)
    assert await stage.committed() == before, "the group was not touched"
    written = operator.written_down(stage.lane().topic)
    assert written == [("queue.replayed", {"offsets": {"0": "0-40"}})] * 2, "the dry run changed nothing"


async def test_a_dropped_table_is_filled_again_once_it_is_recreated(stage: Stage, operators_db: str) -> None:
    operator = StageOperator(stage, operators_db)
    await stored(stage, *MESSAGES)
    before = stage.query("SELECT * FROM logs ORDER BY _offset")
    stage.query("DROP TABLE logs SYNC")
    with pytest.raises(MissingTable, match="sluice migrate"):
        await operator.replay()
    stage.make_table("logs")
    async with stage.writer():
        assert (await operator.replay()).inserted == 40
        await stage.publish(logs("goes on"))
        await stage.until_committed(41)
    assert stage.query("SELECT * FROM logs WHERE message != 'goes on' ORDER BY _offset") == before
    assert stage.count() == 41


async def test_only_what_was_asked_for_is_replayed(stage: Stage, operators_db: str) -> None:
    operator = StageOperator(stage, operators_db)
    await stored(stage, *MESSAGES)
    stage.query("DELETE FROM logs WHERE 1")
    assert (await operator.replay(offsets=(5, 9))).inserted == 5
    (moment,) = {message.timestamp_ms async for chunk in stage.queue.read(stage.lane(), 20, 21) for message in chunk}
    assert (await operator.replay(to_ms=moment)).read <= 20
    assert (await operator.replay(from_ms=moment)).read >= 20
    assert stage.messages() == sorted(TEXTS)


async def test_while_a_writer_runs_under_load_nothing_is_lost_or_doubled(stage: Stage, operators_db: str) -> None:
    operator = StageOperator(stage, operators_db, batch_rows=50)
    chance, texts, enough = random.Random(5), [], asyncio.Event()
    await stage.make("logs")

    async def load() -> None:
        while not enough.is_set():
            some = [f"{len(texts) + n}" for n in range(5)]
            texts.extend(some)
            await stage.publish(*(logs(text) for text in some))
            await asyncio.sleep(0.005)

    async def is_some_committed() -> bool:
        return (await stage.committed() or Position(0)).offset > 0

    async with stage.writer(batch_rows=13, batch_age_s=0.02):
        loading = asyncio.create_task(load())
        mended = 0
        for _ in range(8):
            await until(is_some_committed)
            end = (await stage.committed() or Position(0)).offset
            first = chance.randrange(end)
            stage.query(f"DELETE FROM logs WHERE _offset BETWEEN {first} AND {min(first + 20, end - 1)}")
            done = await operator.replay()
            assert done.complete
            mended += done.inserted
        enough.set()
        await loading
        await stage.until_committed(len(texts))
    assert mended > 0
    assert stage.messages() == sorted(texts)


async def test_a_second_replay_or_redrive_of_a_topic_is_refused_with_a_sentence(
    stage: Stage, operators_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = StageOperator(stage, operators_db)
    await stored(stage, *MESSAGES[:3], b"no envelope")
    monkeypatch.setattr(session, "LOCK_WAIT_S", 0.1)
    async with locked(operators_db, lock_name(stage.lane().topic), wait_s=1):
        for again in (operator.replay, operator.redrive):
            with pytest.raises(LockHeld, match="another process has held the lock"):
                await again()  # type: ignore[operator]
    assert (await operator.replay()).complete


async def test_without_its_lock_a_replay_ends_and_the_next_one_goes_on(stage: Stage, migrated_postgres: str) -> None:
    operator = StageOperator(stage, migrated_postgres, batch_rows=5)
    await stored(stage, *MESSAGES)
    stage.query("DELETE FROM logs WHERE 1")

    def cut_off() -> None:
        with psycopg.connect(migrated_postgres, autocommit=True) as db:
            db.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid != pg_backend_pid()"
            )

    with pytest.raises(PostgresUnavailable, match="the lock is lost"):
        await operator.replay(failpoints=Hook("after_insert", cut_off))
    assert stage.count() == 5
    assert (await operator.replay()).inserted == 35
    operator.postgres_url = "postgresql://nobody@127.0.0.1:1/none"
    with pytest.raises(PostgresUnavailable):
        await operator.replay()


async def test_rewrite_with_another_fingerprint_version_changes_exactly_the_range(
    stage: Stage, operators_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = StageOperator(stage, operators_db)
    await stored(stage, *(error(n) for n in range(12)), of="errors")
    rest = "SELECT * FROM errors WHERE NOT (_offset BETWEEN 3 AND 6) ORDER BY _offset"
    whole = "SELECT * FROM errors ORDER BY _offset"
    same = "SELECT * EXCEPT (fingerprint, fingerprint_version, fingerprint_parts, type) FROM errors ORDER BY _offset"
    before = [stage.query(each) for each in (rest, whole, same)]
    options = Options(rewrite=True, grouping=Grouping(3))
    with pytest.raises(BadVersion, match="no fingerprint version 3; there are 1, 2"):
        await operator.replay("errors", options=options, offsets=(3, 6))
    monkeypatch.setitem(fingerprint._VERSIONS, 3, lambda message, stack: ("3" * 64, f"[{message!r}]", "T"))  # type: ignore[index]
    done = await operator.replay("errors", options=options, offsets=(3, 6))
    assert (done.rewritten, done.inserted, done.already_present) == (4, 0, 0)
    found = stage.query("SELECT _offset FROM errors WHERE fingerprint_version = 3 AND fingerprint = repeat('3', 64)")
    assert sorted(found) == [(3,), (4,), (5,), (6,)]
    assert [stage.query(rest), stage.query(same)] == [before[0], before[2]]
    # Without a version: what the client was told.
    assert (await operator.replay("errors", options=Options(rewrite=True))).rewritten == 12
    assert stage.query(whole) == before[1]


async def test_rewrite_keeps_what_can_not_be_written_again(stage: Stage, operators_db: str) -> None:
    """A mapping that fails on one record of a message: its row stays, the others of the message are derived anew. So
    does a row of an older topic of the same name, at the same place but of another time."""
    await stored(stage, logs("a", "odd", "b"), logs("c", received_at=NOW_US + 9))
    stage.query(
        "INSERT INTO logs SELECT * REPLACE ('twin' AS message, received_at + INTERVAL 1 MICROSECOND AS received_at)"
        " FROM (SELECT * FROM logs WHERE message = 'a')"
    )
    assert stage.count() == 5

    def stricter(rows: Rows) -> Columns:
        if any(record.message == "odd" for record in rows.records):
            raise ValueError("an odd one")
        return {**usual.columns(rows), "template": ["new"] * len(rows)}

    usual = stage.registry.formats["deeptracer.logs"]
    operator = StageOperator(stage, operators_db, with_format(stage.registry, usual.name, columns=stricter))
    done = await operator.replay(options=Options(rewrite=True))
    assert (done.rewritten, done.dead_lettered) == (3, 1)
    assert sorted(stage.query("SELECT message, template FROM logs")) == [
        ("a", "new"),
        ("b", "new"),
        ("c", "new"),
        ("odd", ""),
        ("twin", ""),
    ]


@pytest.mark.parametrize("again", [(), ("--rewrite",)], ids=["replay", "rewrite"])
async def test_a_rewrite_killed_between_delete_and_insert_is_healed_by_the_next_run(
    stage: Stage, operators_db: str, again: tuple[str, ...]
) -> None:
    operator = StageOperator(stage, operators_db)
    await stored(stage, *MESSAGES)
    before = stage.query("SELECT * FROM logs ORDER BY _offset")
    command = ("replay", "--signal", "logs", "--offsets", "10-19", "--json")
    killed = await operator.run(*command, "--rewrite", failpoint="after_delete=kill")
    assert killed.code == -signal.SIGKILL, killed.err
    assert stage.count() == 30
    assert (await audited(stage)).missing == 10
    healed = await operator.run(*command, *again)
    assert healed.code == 0, healed.err
    assert healed.json["inserted"] == 10
    assert (await audited(stage)).ok
    assert stage.query("SELECT * FROM logs ORDER BY _offset") == before


async def test_a_replay_killed_after_its_insert_and_repeated_doubles_nothing(stage: Stage, operators_db: str) -> None:
    operator = StageOperator(stage, operators_db)
    await stored(stage, *MESSAGES)
    stage.query("DELETE FROM logs WHERE _offset < 20")
    killed = await operator.run("replay", "--signal", "logs", failpoint="after_insert=kill")
    assert killed.code == -signal.SIGKILL, killed.err
    assert (await operator.replay()).inserted == 0
    assert stage.messages() == sorted(TEXTS)


async def test_an_insert_whose_answer_was_lost_is_tried_again_and_stored_once(stage: Stage, operators_db: str) -> None:
    texts = [f"{n} " + "x" * 200 for n in range(200)]
    await stored(stage, *(logs(text) for text in texts))
    stage.query("DELETE FROM logs WHERE _offset < 150")
    async with Proxy(stage.clickhouse_url) as proxy:
        proxy.deaf = 1
        done = await StageOperator(stage, operators_db, clickhouse_url=proxy.url).replay()
        assert (proxy.deaf, done.inserted, done.already_present) == (0, 150, 50)
    assert stage.messages() == sorted(texts)


async def test_a_statement_of_a_killed_run_that_is_still_under_way_is_waited_for(
    stage: Stage, operators_db: str
) -> None:
    operator = StageOperator(stage, operators_db)
    await stored(stage, *MESSAGES[:3])
    slow = (
        "INSERT INTO FUNCTION null('n UInt8') SELECT sleepEachRow(1) FROM numbers(4)"
        f" SETTINGS max_block_size = 1, log_comment = 'sluice restores {stage.lane().topic}'"
    )
    earlier = asyncio.create_task(asyncio.to_thread(stage.query, slow))
    under_way = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO FUNCTION%'"
    await until(lambda: stage.query(under_way) != [(0,)])
    assert (await operator.replay()).complete
    assert earlier.done() or stage.query(under_way) == [(0,)]
    await earlier


async def test_rows_that_clickhouse_refuses_become_letters_and_their_neighbours_rows(
    stage: Stage, operators_db: str
) -> None:
    operator = StageOperator(stage, operators_db)
    await stored(stage, logs("a", "b"), logs("c", "poison", "d"), logs("e"), b"no envelope")
    stage.query("DELETE FROM logs WHERE 1")
    stage.query("ALTER TABLE logs ADD CONSTRAINT no_poison CHECK message != 'poison'")
    done = await operator.replay()
    assert (done.inserted, done.dead_lettered, done.complete) == (5, 2, True)
    assert stage.messages() == ["a", "b", "c", "d", "e"]
    letters = sorted(await stage.letters(), key=lambda letter: letter.offset)
    assert [(letter.offset, letter.index, letter.reason) for letter in letters] == [
        (1, 1, "refused"),
        (3, None, "undecodable"),
    ]
    assert (await operator.replay()).dead_lettered == 2
    again = sorted(await stage.letters(), key=lambda letter: letter.offset)
    assert again == letters, "a letter that is there keeps its story"


async def test_too_many_letters_stop_a_replay_before_it_changes_anything(stage: Stage, operators_db: str) -> None:
    await stored(stage, *(logs(*(f"{n} {i}" for i in range(10))) for n in range(20)))

    def broken(rows: Rows) -> Columns:
        raise ValueError("a mapping that fails on everything")

    operator = StageOperator(stage, operators_db, with_format(stage.registry, "deeptracer.logs", columns=broken))
    done = await operator.replay(options=Options(rewrite=True))
    assert not done.complete
    assert "can't be stored" in done.incomplete[0]
    assert (stage.count(), await stage.letters()) == (200, [])


async def test_an_unknown_version_stops_its_lane_with_a_sentence(stage: Stage, operators_db: str) -> None:
    operator = StageOperator(stage, operators_db)
    await stored(stage, logs("a"))
    await stage.publish(logs("newer", v=99), logs("b"))
    await stage.commit(Position(3))
    stage.query("DELETE FROM logs WHERE 1")
    done = await operator.run("replay", "--signal", "logs")
    assert done.code == 1
    assert "stops at offset 1" in done.out.replace("\n", " ")
    assert "upgrade the writers" in done.out
    assert stage.messages() == ["a"]


async def test_what_is_gone_or_not_committed_yet_makes_a_range_incomplete(any_stage: Stage, operators_db: str) -> None:
    stage, operator = any_stage, StageOperator(any_stage, operators_db)
    await stage.make("logs")
    await stage.publish(*MESSAGES[:10])
    await stage.publish(*MESSAGES[10:])
    async with stage.writer():
        await stage.until_committed(40)
    await drop_below(stage, 10)
    await stage.commit(Position(30))
    assert (await operator.replay()).complete, "all that is there and committed"
    (gone,) = (await operator.replay(offsets=(5, 20))).incomplete
    assert "5 to 9 are gone" in gone
    (gone,) = (await operator.replay(from_ms=1)).incomplete
    assert "before offset 10" in gone
    (left,) = (await operator.replay(offsets=(20, 35))).incomplete
    assert "30 to 35 are not committed" in left
    assert stage.count() == 40


async def test_summary_and_bar_are_printed_for_people(stage: Stage, operators_db: str) -> None:
    operator = StageOperator(stage, operators_db)
    await stored(stage, *MESSAGES)
    stage.query("DROP TABLE logs SYNC")
    missing = await operator.run("replay", "--signal", "logs")
    assert (missing.code, "run `sluice migrate`" in missing.err) == (1, True)
    stage.make_table("logs")
    done = await operator.run("replay", "--signal", "logs", "--from", "1h")
    assert done.code == 0, done.err
    assert "40 messages read; records: 40 inserted, 0 already present" in done.out
    assert f"{stage.lane().topic}:0" in done.err
    assert "40/40" in done.err
