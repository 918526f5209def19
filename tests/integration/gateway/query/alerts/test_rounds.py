"""Nothing is told twice, nothing left out, and what can't be sent is tried again (alerts.md, "When a rule is judged",
"Sending")."""

import asyncio
from typing import Any

import pytest

from gateway.query.alerts import rounds as module
from gateway.query.alerts.post import WAITS
from gateway.query.sending import Sender
from gateway.query.sending.address import Allowed
from tests.integration.gateway.query.alerts.bench import MINUTE, Bench, round_of

ONE_LOG: dict[str, Any] = {"kind": "matches", "signal": "logs", "count": 1, "minutes": 1}


def log(bench: Bench, minutes: float, **row: Any) -> None:
    at = bench.at(minutes)
    bench.store.add_logs({"timestamp": at, "received_at": at} | row)


async def test_a_receiver_that_fails_is_tried_again_until_it_takes_the_same_alert(bench: Bench) -> None:
    rule = await bench.rule(**ONE_LOG)
    log(bench, 0.5)
    bench.later(1)
    bench.receiver.statuses = [500, 302]
    [first] = await bench.round()
    assert await bench.round() == []  # not yet
    got = []
    for wait in WAITS[:2]:
        bench.now += wait // wait.resolution
        got += await bench.round()
    assert [each["id"] for each in got] == [first["id"]] * 2
    assert len({each["sent_at"] for each in [first, *got]}) == 3
    [sent] = await bench.sent(rule)
    assert sent.id == first["id"]
    assert [(each.status, each.problem) for each in sent.tries] == [
        (500, "answered 500"),
        (302, "answered 302"),
        (200, ""),
    ]
    assert (sent.state, sent.next_try) == ("delivered", None)
    bench.later(1)
    assert await bench.round() == []


async def test_six_tries_are_all(bench: Bench) -> None:
    rule = await bench.rule(**ONE_LOG)
    log(bench, 0.5)
    bench.later(1)
    bench.receiver.statuses = [503] * 9
    for wait in WAITS:
        await bench.round()
        bench.now += wait // wait.resolution
    await bench.round()
    bench.later(600)
    await bench.round()
    [sent] = await bench.sent(rule)
    assert (sent.state, len(sent.tries), len(bench.receiver.got)) == ("failed", 6, 6)


async def test_what_lags_is_judged_on_what_there_is_and_says_so(bench: Bench) -> None:
    for count in (1, 2):
        await bench.rule(**ONE_LOG | {"count": count}, name=f"{count}", cooldown=1)
    log(bench, 0.5)
    bench.complete = bench.now
    bench.later(5)
    assert await bench.round() == []  # there is still time
    bench.later(1)
    [got] = await bench.round()
    assert (got["rule"]["name"], got["incomplete"]) == ("1", True)
    bench.later(2)
    assert await bench.round() == []
    log(bench, -7.6)  # it arrived in the same minute, and is stored now
    bench.complete = -1
    [got] = await bench.round()
    assert (got["rule"]["name"], got["incomplete"]) == ("2", False)
    bench.later(2)
    assert await bench.round() == []


async def test_without_a_queue_to_ask_all_is_judged_five_minutes_later(bench: Bench) -> None:
    await bench.rule(**ONE_LOG)
    log(bench, 0.5)
    bench.complete = None
    bench.later(6)
    [got] = await bench.round()
    assert got["incomplete"]


async def test_another_process_goes_on_where_the_first_was(bench: Bench) -> None:
    await bench.rule(**ONE_LOG, cooldown=1)
    log(bench, 0.5)
    bench.later(1)
    assert len(await bench.round()) == 1
    log(bench, 2.5)
    bench.later(60)
    bench.rounds = bench.new_rounds()
    [got] = await bench.round()
    assert got["end"] < got["at"]
    bench.rounds = bench.new_rounds()
    assert await bench.round() == []


async def test_of_two_processes_one_is_heard(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = await bench.rule(**ONE_LOG)
    log(bench, 0.5)
    bench.later(1)
    other = bench.new_rounds()
    await asyncio.gather(round_of(bench.rounds), round_of(other))  # as if both had the lock
    assert len(await bench.sent(rule)) == 1
    monkeypatch.setattr(module, "EVERY_S", 0.05)
    await bench.rounds.start()
    await other.start()
    log(bench, 11.5)
    bench.later(12)
    while [each.state for each in await bench.sent(rule)] != ["delivered"] * 2:
        await bench.alerts.rules.find("p", rule)
    await bench.rounds.close()
    await other.close()
    told = [each.json["id"] for each in bench.receiver.got]
    assert sorted(told) == sorted(each.id for each in await bench.sent(rule))


async def test_nothing_is_sent_where_only_this_machine_gets(bench: Bench) -> None:
    await bench.alerts.sender.close()
    object.__setattr__(bench.alerts, "sender", Sender(Allowed(http=True), timeout_s=5))
    rule = await bench.rule(**ONE_LOG)
    other = await bench.rule(**ONE_LOG, name="by name", url="http://localhost:1/")
    log(bench, 0.5)
    bench.later(1)
    assert await bench.round() == []
    for rule_id in (rule, other):
        [sent] = await bench.sent(rule_id)
        assert "not public" in sent.tries[0].problem
        assert "127.0.0.1" not in sent.tries[0].problem
    await bench.alerts.sender.close()


async def test_what_is_off_or_just_changed_does_not_judge_what_was(bench: Bench) -> None:
    rule_id = await bench.rule(**ONE_LOG, enabled=False)
    log(bench, 0.5)
    bench.later(30)
    assert await bench.round() == []
    stored = await bench.alerts.rules.find("p", rule_id)
    assert stored is not None
    assert stored.progress.judged_to == bench.now - 30 * MINUTE


async def test_of_two_that_send_the_same_one_does(bench: Bench) -> None:
    rule = await bench.rule(**ONE_LOG)
    log(bench, 0.5)
    bench.later(1)
    await bench.rounds.judge()
    await asyncio.gather(*(each.send() for each in (bench.rounds, bench.new_rounds())))
    [sent] = await bench.sent(rule)
    assert [each.json["id"] for each in bench.receiver.got] == [sent.id]


async def test_what_no_database_takes_is_told_all_the_same(bench: Bench) -> None:
    """A NUL in a key; and the other rules of the project go on."""
    await bench.rule("llm_cost", period="month", usd=1, each="user", cooldown=1)
    await bench.rule(**ONE_LOG)
    bench.store.add_calls(
        {"timestamp": bench.at(-1), "received_at": bench.at(-1), "cost_usd": 2, "attributes": r'{"user":"a\u0000b"}'}
    )
    log(bench, 0.5)
    bench.later(6)
    got = {each["rule"]["kind"]: each for each in await bench.round()}
    assert "a\N{REPLACEMENT CHARACTER}b $2.00" in got["llm_cost"]["text"]
    assert "matches" in got
    bench.later(6)
    assert await bench.round() == []


async def test_what_was_sent_long_ago_is_forgotten(bench: Bench) -> None:
    rule = await bench.rule(**ONE_LOG)
    log(bench, 0.5)
    bench.later(1)
    await bench.round()

    async def age(db: Any) -> None:
        await db.execute("UPDATE alert_deliveries SET created_at = now() - interval '31 days'")

    await bench.postgres.change(age)
    bench.later(60)
    await bench.round()
    assert await bench.sent(rule) == []
