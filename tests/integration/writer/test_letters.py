"""What can't be stored is kept as a dead letter; the rest is stored (delivery.md, "When a row can't be stored")."""

import sqlite3
from contextlib import closing

import msgspec
import pytest

from shared.envelope import seal, unseal
from shared.letters import raw_bytes
from shared.queue.base import Position
from tests.integration.writer.ops.commands import audited
from tests.integration.writer.records import logs, stamp, strict
from tests.integration.writer.stage import Stage
from tests.integration.writer.writer_process import until
from writer.dead_letters import closed
from writer.ops.audit.accounting import Counts


async def test_an_undecodable_message_becomes_a_letter_and_the_others_are_stored(any_stage: Stage) -> None:
    stage = any_stage
    await stage.make("logs")
    wrong_count = seal(stamp(2), b'[{"level":"info","message":"alone"}]')
    bad = [b"no envelope", wrong_count, seal(stamp(1), b"[nonsense]")]
    await stage.publish(logs("a"), *bad, logs("b"))
    async with stage.writer() as running:
        await stage.until_committed(5)
        assert running.sample("sluice_dead_letters_total", topic=stage.lane().topic, reason="undecodable") == 3
    assert stage.messages() == ["a", "b"]
    letters = sorted(await stage.letters(), key=lambda letter: letter.offset)
    assert [(letter.offset, letter.index, letter.reason) for letter in letters] == [
        (1, None, "undecodable"),
        (2, None, "undecodable"),
        (3, None, "undecodable"),
    ]
    assert [raw_bytes(letter) for letter in letters] == bad
    assert letters[0].topic == stage.lane().topic
    assert letters[0].attempts == 1
    assert letters[0].first_seen_ms > 0


async def test_a_record_that_does_not_convert_becomes_a_letter_of_its_own(stage: Stage) -> None:
    await stage.make("logs")
    await stage.publish(logs("a", "b", "odd", "c"), logs("d"), logs("odd"))
    async with stage.writer(registry=strict(stage.registry)):
        await stage.until_committed(3)
    assert stage.messages() == ["a", "b", "c", "d"]
    first, second = sorted(await stage.letters(), key=lambda letter: letter.offset)
    assert (first.offset, first.index, first.reason) == (0, 2, "unconvertible")
    assert "an odd one" in first.detail
    kept, records = unseal(raw_bytes(first))
    assert kept.n == 1
    assert msgspec.json.decode(records) == [{"level": "info", "message": "odd"}]
    assert (second.offset, second.index) == (2, 0)


async def test_a_message_read_again_makes_no_second_letter(stage: Stage) -> None:
    await stage.make("logs")
    await stage.publish(logs("a"), b"no envelope")
    for _ in range(2):
        await stage.commit(Position(0))
        async with stage.writer():
            await stage.until_committed(2)
    assert len(await stage.letters()) == 1
    assert stage.messages() == ["a"]


async def test_rows_that_clickhouse_refuses_become_letters_and_their_neighbours_rows(stage: Stage) -> None:
    await stage.make("logs")
    stage.query("ALTER TABLE logs ADD CONSTRAINT no_poison CHECK message != 'poison'")
    await stage.publish(logs("a", "b"), logs("c", "poison", "d"), logs("e"), logs("poison"), logs("f"))
    async with stage.writer(batch_age_s=0.5):
        await stage.until_committed(5)
        await stage.publish(logs("g"))
        await stage.until_committed(6)
    assert stage.messages() == ["a", "b", "c", "d", "e", "f", "g"]
    letters = sorted(await stage.letters(), key=lambda letter: letter.offset)
    assert [(letter.offset, letter.index, letter.reason) for letter in letters] == [
        (1, 1, "refused"),
        (3, 0, "refused"),
    ]
    assert "469" in letters[0].detail
    assert unseal(raw_bytes(letters[0]))[0].n == 1


async def test_too_many_letters_publish_nothing_commit_nothing_and_stay_visible(stage: Stage) -> None:
    await stage.make("logs")
    await stage.publish(logs("before"))
    async with stage.writer(batch_age_s=0.3, shutdown_s=1.0) as running:
        await stage.until_committed(1)
        await stage.publish(*[b"no envelope"] * 150)
        await until(lambda: "dead letters" in running.waits_for(stage.lane()))
        reason = running.waits_for(stage.lane())["dead letters"]["reason"]
        assert "150 records in a row" in reason
        assert "over SLUICE_WRITER_LETTER_RUN=100: fix the cause, or raise that setting" in reason
        assert await stage.letters() == []
        assert await stage.committed() == Position(1)
        assert running.sample("sluice_retries_total", what="dead letters", reason="limit") > 0
    assert stage.messages() == ["before"]


async def test_a_clickhouse_that_refuses_everything_makes_no_letters(stage: Stage) -> None:
    await stage.make("logs")
    stage.query("ALTER TABLE logs ADD CONSTRAINT nothing CHECK message = ''")
    await stage.publish(logs(*(f"{n}" for n in range(101))))
    async with stage.writer(shutdown_s=1.0) as running:
        await until(lambda: "dead letters" in running.waits_for(stage.lane()))
    assert await stage.letters() == []
    assert await stage.committed() == Position(0, '{"end":1}')


async def test_an_unknown_version_waits_and_nothing_behind_it_is_stored(stage: Stage) -> None:
    await stage.make("logs")
    await stage.publish(logs("a"), logs("newer", v=99), logs("b"))
    async with stage.writer() as running:
        await stage.until_committed(1)
        await until(lambda: "message" in running.waits_for(stage.lane()))
        assert "upgrade the writers" in running.waits_for(stage.lane())["message"]["reason"]
    assert stage.messages() == ["a"]
    assert await stage.letters() == []
    assert await stage.committed() == Position(1)


async def test_an_unknown_format_waits_too(stage: Stage) -> None:
    await stage.make("logs")
    await stage.publish(logs("newer", format="later.logs"))
    async with stage.writer() as running:
        await until(lambda: "message" in running.waits_for(stage.lane()))
        assert "later.logs" in running.waits_for(stage.lane())["message"]["reason"]
    assert await stage.letters() == []


@pytest.mark.parametrize("how", ["the position", "the queue's end"])
async def test_a_lane_that_goes_back_opens_no_closed_letter_again(any_stage: Stage, how: str) -> None:
    stage = any_stage
    await stage.make("logs")
    await stage.publish(logs("a"), b"no envelope 1", b"no envelope 2", b"no envelope 3")
    async with stage.writer():
        await stage.until_committed(4)
    one, two, three = sorted(await stage.letters(), key=lambda letter: letter.offset)
    topic = stage.registry.signals["logs"].dead_letter_topic
    for kept in (closed(one, "purged", 7), closed(two, "redriven", 8)):
        await stage.producer.publish(topic, msgspec.json.encode(kept), kept.key)
    tried = msgspec.structs.replace(three, attempts=5)
    await stage.producer.publish(topic, msgspec.json.encode(tried), tried.key)
    await stage.publish(b"no envelope 4")
    await stage.commit(Position(0) if how == "the position" else Position(5_000))
    async with stage.writer() as running:
        await stage.until_committed(5)
        assert running.sample("sluice_dead_letters_total", topic=stage.lane().topic, reason="undecodable") == 1
    letters = sorted(await stage.letters(), key=lambda letter: letter.offset)
    assert [(letter.state, letter.attempts, bool(letter.raw)) for letter in letters] == [
        ("purged", 1, False),
        ("redriven", 1, False),
        ("", 5, True),
        ("", 1, True),
    ]
    assert stage.messages() == ["a"]


async def test_a_damaged_part_of_the_queue_is_one_letter_and_the_lane_goes_on(stage: Stage) -> None:
    await stage.make("logs")
    await stage.publish(logs("before"))
    await stage.publish(*(logs(f"lost {n}") for n in range(300)))  # more than the limit of letters in a row
    await stage.publish(logs("after"))
    with closing(sqlite3.connect(stage.queue_url.removeprefix("sqlite:///"))) as db, db:
        rows = db.execute("SELECT rowid, first, end, data FROM segments WHERE first > 0 AND end < 302").fetchall()
        for rowid, _, _, data in rows:
            middle = len(data) // 2
            flipped = data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1 :]
            db.execute("UPDATE segments SET data = ? WHERE rowid = ?", (flipped, rowid))
    async with stage.writer():
        await stage.until_committed(302)
    assert stage.messages() == ["after", "before"]
    letters = await stage.letters()
    assert [letter.reason for letter in letters] == ["undecodable"] * len(rows)
    assert {letter.offset for letter in letters} == {end - 1 for _, _, end, _ in rows}
    _, first, end, data = rows[0]
    assert f"corrupt where it holds the messages {first} to {end - 1}: its checksum is wrong" in str(letters)
    assert raw_bytes(next(letter for letter in letters if letter.offset == end - 1))
    assert await audited(stage) == Counts(messages=2 + len(rows), expected=2, found=2, dead_lettered=len(rows))
