"""`sluice dlq`: letters listed, shown, redriven under their original coordinates, purged; gaps beside them
(delivery.md, "Redrive and purge")."""

import base64
import signal

import msgspec
import pytest

from shared.letters import Letter
from shared.queue.base import Position
from shared.signals.base import US_PER_DAY
from tests.integration.writer.ops.commands import audited
from tests.integration.writer.ops.stage_operator import StageOperator, drop_below
from tests.integration.writer.records import NOW_US, logs, strict
from tests.integration.writer.stage import Stage

KEYS = "SELECT message, _topic, _partition, _offset, _index, toUnixTimestamp64Micro(received_at) FROM logs ORDER BY ALL"
EIGHT_DAYS_US = 8 * US_PER_DAY


async def buried(stage: Stage, *messages: bytes) -> None:
    """Have a writer that can't convert 'odd' read these messages."""
    await stage.make("logs")
    await stage.publish(*messages)
    async with stage.writer(registry=strict(stage.registry)):
        await stage.until_committed(len(messages))


async def states(operator: StageOperator) -> list[tuple[int, int | None, str, int]]:
    """(offset, index, state, attempts) of each letter."""
    letters = [(kept.state, kept.letter) for kept in await operator.letters()]
    told = [(one.offset, one.index, state, one.attempts) for state, one in letters if one]
    return sorted(told, key=lambda each: (each[0], -1 if each[1] is None else each[1]))


async def test_a_redriven_message_that_now_stores_appears_once_under_its_original_coordinates(
    any_stage: Stage, operators_db: str
) -> None:
    stage, operator = any_stage, StageOperator(any_stage, operators_db)
    await buried(stage, logs("a", "odd", "b", "odd"), logs("c"), logs("odd"), b"no envelope")
    dry = await operator.redrive(dry_run=True)
    assert (dry.redriven, dry.inserted, dry.still_failing) == (3, 3, 1)
    assert stage.messages() == ["a", "b", "c"]
    first = await operator.redrive()
    assert (first.letters, first.redriven, first.inserted, first.still_failing) == (4, 3, 3, 1)
    second = await operator.redrive()
    assert (second.letters, second.redriven, second.inserted, second.still_failing) == (1, 0, 0, 1)
    lane = stage.lane()
    assert stage.query(KEYS) == [
        ("a", *lane, 0, 0, NOW_US),
        ("b", *lane, 0, 2, NOW_US),
        ("c", *lane, 1, 0, NOW_US),
        ("odd", *lane, 0, 1, NOW_US),
        ("odd", *lane, 0, 3, NOW_US),
        ("odd", *lane, 2, 0, NOW_US),
    ]
    assert await states(operator) == [
        (0, 1, "redriven", 1),
        (0, 3, "redriven", 1),
        (2, 0, "redriven", 1),
        (3, None, "open", 3),
    ]
    assert all(kept.bytes < 500 for kept in await operator.letters()), "a marker keeps no message"


async def test_a_redrive_while_a_writer_runs_doubles_nothing(stage: Stage, operators_db: str) -> None:
    operator = StageOperator(stage, operators_db)
    await buried(stage, *(logs(f"{n}", "odd") for n in range(20)))
    async with stage.writer():
        await stage.publish(*(logs(f"{n}") for n in range(20, 40)))
        assert (await operator.redrive()).redriven == 20
        await stage.until_committed(40)
    assert stage.messages() == sorted([*(f"{n}" for n in range(40)), *["odd"] * 20])


async def test_a_letter_that_fails_again_stays_open_with_one_more_attempt(stage: Stage, operators_db: str) -> None:
    operator = StageOperator(stage, operators_db)
    await stage.make("logs")
    stage.query("ALTER TABLE logs ADD CONSTRAINT no_poison CHECK message != 'poison'")
    await stage.publish(logs("c", "poison", "d"), logs("e"))
    async with stage.writer(batch_age_s=0.3):
        await stage.until_committed(2)
    (before,) = await stage.letters()
    done = await operator.redrive()
    assert (done.complete, done.still_failing) == (False, 1)
    (after,) = await stage.letters()
    assert (after.attempts, after.raw, after.first_seen_ms) == (2, before.raw, before.first_seen_ms)
    assert (after.reason, after.index) == ("refused", 1)
    stage.query("ALTER TABLE logs DROP CONSTRAINT no_poison")
    assert (await operator.redrive()).complete
    assert stage.messages() == ["c", "d", "e", "poison"]
    assert await states(operator) == [(0, 1, "redriven", 2)]


async def test_a_whole_message_whose_records_fail_apart_leaves_letters_of_those_records(
    stage: Stage, operators_db: str
) -> None:
    """It was undecodable for an older writer; today's stores what it can."""
    operator = StageOperator(stage, operators_db, strict(stage.registry))
    await stage.make("logs")
    await stage.publish(logs("a", "odd", "b"))
    await stage.commit(Position(1))
    (message,) = [message async for chunk in stage.queue.read(stage.lane(), 0, 1) for message in chunk]
    await put_letter(stage, letter_of(stage, message.value, timestamp_ms=message.timestamp_ms))
    done = await operator.redrive()
    assert (done.redriven, done.inserted, done.still_failing) == (1, 2, 1)
    assert await states(operator) == [(0, None, "redriven", 1), (0, 1, "open", 1)]
    operator.registry = None
    assert (await operator.redrive()).complete
    assert stage.messages() == ["a", "b", "odd"]


async def test_what_is_not_committed_expired_or_unknown_is_left_alone(stage: Stage, operators_db: str) -> None:
    operator = StageOperator(stage, operators_db)
    await stage.make("logs")
    await stage.publish(logs("a"), logs("b"))
    await stage.commit(Position(1))
    old = logs("old", received_at=NOW_US - EIGHT_DAYS_US, retention_days=7)
    await put_letter(stage, letter_of(stage, old, offset=0))
    await put_letter(stage, letter_of(stage, logs("new"), offset=1))
    await put_letter(stage, letter_of(stage, logs("newer", v=99), offset=0, timestamp_ms=2))
    unknown = msgspec.json.encode({"v": 9, "text": "of the future"})
    await stage.producer.publish(stage.registry.signals["logs"].dead_letter_topic, unknown, b"the-key")
    before = await stage_bytes(stage)
    done = await operator.run("dlq", "redrive", "--json")
    assert (done.code, done.json["letters"], done.json["redriven"], done.json["expired"]) == (1, 3, 0, 1)
    assert sorted((why.split(":")[0], count) for why, count in done.json["waiting"].items()) == [
        ("envelope version 99, this writer knows 2", 1),
        ("not committed yet", 1),
    ]
    (future,) = [kept for kept in await operator.letters() if kept.state == "unknown"]
    assert (future.key, "letter version 9" in future.problem) == ("the-key", True)
    assert await stage_bytes(stage) == before
    assert stage.count() == 0


async def test_an_odd_letter_is_named_and_stops_no_other(stage: Stage, operators_db: str) -> None:
    operator = StageOperator(stage, operators_db)
    await stage.make("logs")
    await buried(stage, b"no envelope")
    good = letter_of(stage, logs("a"), offset=0, timestamp_ms=3)
    broken = msgspec.structs.replace(good, timestamp_ms=4, raw="bm8gemxpYg==", encoding="zlib+base64")
    timeless = msgspec.structs.replace(good, timestamp_ms=10**17)
    for letter in (broken, timeless, good):
        await put_letter(stage, letter)
    listed = (await operator.run("dlq", "list", "--json")).json["letters"]
    states = {each["key"]: each["state"] for each in listed}
    assert (states[broken.key.decode()], states[timeless.key.decode()]) == ("open", "unknown")
    assert "Expected `int` <=" in next(each["problem"] for each in listed if each["state"] == "unknown")
    assert timeless.key.decode() in (await operator.run("dlq", "list")).out
    shown = await operator.run("dlq", "show", broken.key.decode())
    assert "what the letter keeps can't be decoded" in shown.out
    done = (await operator.run("dlq", "redrive", "--json")).json
    assert (done["letters"], done["redriven"], done["still_failing"]) == (3, 1, 1)
    assert [why.split(":")[0] for why in done["waiting"]] == ["what the letter keeps can't be decoded"]
    assert stage.messages() == ["a"]


async def test_a_redrive_killed_before_its_marker_and_repeated_makes_one_row(stage: Stage, operators_db: str) -> None:
    operator = StageOperator(stage, operators_db)
    await buried(stage, logs("a", "odd"))
    killed = await operator.run("dlq", "redrive", failpoint="after_redrive_insert=kill")
    assert killed.code == -signal.SIGKILL, killed.err
    assert (stage.messages(), await states(operator)) == (["a", "odd"], [(0, 1, "open", 1)])
    done = await operator.run("dlq", "redrive", "--json")
    assert done.code == 0, done.err
    assert (done.json["redriven"], done.json["inserted"], done.json["already_present"]) == (1, 0, 1)
    assert (stage.messages(), await states(operator)) == (["a", "odd"], [(0, 1, "redriven", 1)])


async def test_letters_are_listed_shown_filtered_and_purged(stage: Stage, operators_db: str) -> None:
    operator = StageOperator(stage, operators_db)
    await buried(stage, logs("a", "odd"), b"no envelope", logs("odd", "b"))
    listed = (await operator.run("dlq", "list", "--json")).json
    assert [(one["offset"], one["index"], one["reason"]) for one in listed["letters"]] == [
        (0, 1, "unconvertible"),
        (1, None, "undecodable"),
        (2, 0, "unconvertible"),
    ]
    topic = stage.lane().topic
    assert {"topic": topic, "state": "open", "reason": "unconvertible", "count": 2} in listed["counts"]
    assert (listed["total"], listed["shown"], listed["gaps"]) == (3, 3, [])
    key, last = listed["letters"][0]["key"], listed["letters"][2]["key"]
    for_people = (await operator.run("dlq", "list", "--reason", "unconvertible", "--limit", "1")).out
    assert (last in for_people, key in for_people) == (True, False)
    assert "an odd one" in for_people
    assert "the newest 1 of 2 are shown" in for_people
    shown = await operator.run("dlq", "show", key, "--json")
    assert shown.json["stamp"]["project_id"] == "p1"
    assert shown.json["records"] == [{"level": "info", "message": "odd"}]
    assert '"message": "odd"' in (await operator.run("dlq", "show", key)).out
    assert (await operator.run("dlq", "show", f"{topic}:0:9::1")).code == 1

    assert (await operator.run("dlq", "purge", "--key", key)).code != 0, "nobody was there to say yes"
    assert [one[2] for one in await states(operator)] == ["open"] * 3
    purged = await operator.run("dlq", "purge", "--reason", "unconvertible", "--offset", "0", "--yes", "--json")
    assert purged.json["purged"] == 1
    assert await states(operator) == [(0, 1, "purged", 1), (1, None, "open", 1), (2, 0, "open", 1)]
    assert (await operator.redrive(reasons=frozenset({"unconvertible"}))).redriven == 1
    assert stage.messages() == ["a", "b", "odd"]
    counts = await audited(stage)
    assert (counts.ok, counts.found, counts.purged, counts.dead_lettered) == (True, 3, 1, 1)
    assert operator.written_down(f"{topic}.dlq") == [
        ("letters.purged", {"reasons": ["unconvertible"], "offsets": [0, 0], "letters": 1}),
        ("letters.redriven", {"reasons": ["unconvertible"]}),
    ]


async def test_what_retention_took_leaves_a_marker_before_the_position_moves_on(
    any_stage: Stage, operators_db: str
) -> None:
    stage, operator = any_stage, StageOperator(any_stage, operators_db)
    await stage.make("logs")
    await stage.publish(*(logs(f"{n}") for n in range(10)))
    await stage.publish(*(logs(f"{n}") for n in range(10, 40)))
    await drop_below(stage, 10)
    await stage.commit(Position(3, '{"end":15}'))
    async with stage.writer():
        await stage.until_committed(40)
    (marker,) = await operator.letters()
    assert marker.letter is not None
    assert marker.key == f"gap:{stage.lane().topic}:0:3-10"
    assert (marker.state, marker.letter.reason, marker.letter.offset, marker.letter.end) == ("gap", "gap", 3, 10)
    assert marker.letter.first_seen_ms > 0
    listed = (await operator.run("dlq", "list", "--json")).json
    assert ([gap["end"] for gap in listed["gaps"]], listed["letters"]) == ([10], [])
    assert (await operator.redrive()).letters == 0


@pytest.mark.parametrize("command", [("replay",), ("dlq", "redrive")])
async def test_without_postgres_a_command_ends_with_a_sentence(stage: Stage, command: tuple[str, ...]) -> None:
    operator = StageOperator(stage, "postgresql://nobody@127.0.0.1:1/none")
    await buried(stage, logs("odd"))
    done = await operator.run(*command, "--signal", "logs")
    assert (done.code, "Postgres can't be reached" in done.err) == (1, True), done.err


def letter_of(stage: Stage, raw: bytes, *, offset: int = 0, timestamp_ms: int = 1) -> Letter:
    return Letter(
        v=1,
        reason="undecodable",
        detail="an older writer's opinion",
        topic=stage.lane().topic,
        partition=0,
        offset=offset,
        timestamp_ms=timestamp_ms,
        raw=base64.b64encode(raw).decode(),
    )


async def put_letter(stage: Stage, letter: Letter) -> None:
    topic = stage.registry.signals["logs"].dead_letter_topic
    await stage.producer.publish(topic, msgspec.json.encode(letter), letter.key)


async def stage_bytes(stage: Stage) -> dict[bytes | None, bytes]:
    """Everything in the dead-letter topic, by key."""
    (lane,) = await stage.queue.lanes([stage.registry.signals["logs"].dead_letter_topic])
    (end,) = (await stage.queue.end_offsets([lane])).values()
    return {message.key: message.value async for chunk in stage.queue.read(lane, 0, end) for message in chunk}
