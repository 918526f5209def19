"""Each kind of rule tells once of what it is for (alerts.md, "The kinds"), on real Postgres, ClickHouse and SQLite."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
import pytest

from shared import error_states
from shared.error_states import BY, Reopened, State, StateChange
from shared.formats.values import microseconds
from shared.queue.base import Lane, Message
from tests.integration.gateway.query.alerts.bench import MINUTE, PUBLIC, Bench, span
from tests.integration.writer.records import logs
from writer.dead_letters import letter

A, B, C = ("a" * 64, "b" * 64, "c" * 64)
STACK = 'Traceback (most recent call last):\n  File "/srv/app/pay.py", line 7, in charge\n    go()\nKeyError: x'


def arriving(at: int, **row: Any) -> dict[str, Any]:
    return {"timestamp": at - 1, "received_at": at} | row


async def test_as_many_logs_are_told_once_and_again_after_the_cool_down(bench: Bench) -> None:
    rule = await bench.rule("matches", signal="logs", q="level:error", count=3, minutes=2, environment="live")
    of_rule = {"level": "error", "environment": "live", "message": "card <declined>"}
    bench.store.add_logs(arriving(bench.at(-60), **of_rule | {"message": "long before"}))
    for at in (0.1, 0.2, 1.5):
        bench.store.add_logs(arriving(bench.at(at), **of_rule), arriving(bench.at(at), project_id="q", **of_rule))
    bench.store.add_logs(arriving(bench.at(1.6)), arriving(bench.at(1.6), **of_rule | {"environment": "test"}))
    bench.later(1)
    assert await bench.round() == []
    bench.later(1)
    [got] = await bench.round()
    assert (got["rule"], got["project_id"], got["test"]) == (
        {"id": rule, "name": "matches", "kind": "matches"},
        "p",
        False,
    )
    assert "3 logs in 2 minutes" in got["title"]
    assert (span(got), got["incomplete"]) == (2, False)
    assert got["first"]["text"] == "error: card <declined>"
    assert got["url"].startswith(f"{PUBLIC}/p/p/logs?q=environment%3Alive+level%3Aerror&start_time=")
    for at in (0.5, 0.6, 0.7):
        bench.store.add_logs(arriving(bench.at(at), **of_rule))
    bench.later(5)
    assert await bench.round() == []  # it cools
    bench.later(5)
    assert await bench.round() == []  # and by now there are none
    for at in (0.5, 0.6, 0.7):
        bench.store.add_logs(arriving(bench.at(at), **of_rule))
    bench.later(1)
    assert len(await bench.round()) == 1
    assert [each.state for each in await bench.sent(rule)] == ["delivered", "delivered"]
    assert await bench.sent(rule, "q") == []


async def test_every_signal_can_be_counted(bench: Bench) -> None:
    for signal in ("errors", "traces", "llm"):
        await bench.rule("matches", name=signal, signal=signal, q="service:shop", count=1, minutes=1)
    row = arriving(bench.at(0.5), service="shop")
    bench.store.add_errors(row | {"type": "KeyError", "error_message": "x", "event_id": "e", "fingerprint": A})
    bench.store.add_spans(row | {"operation": "GET /", "status": "ok", "trace_id": "t", "span_id": "s"})
    bench.store.add_calls(row | {"model": "large"})
    bench.later(1)
    got = {each["rule"]["name"]: each for each in await bench.round()}
    assert {name: each["first"]["text"] for name, each in got.items()} == {
        "errors": "KeyError: x",
        "traces": "GET /: ok, 0 ms",
        "llm": "large : 0 ms",
    }


async def test_a_new_group_is_told_with_its_frame_and_one_that_was_seen_is_not(bench: Bench) -> None:
    rule = await bench.rule("new_group", environment="live")
    error = {"type": "KeyError", "error_message": "x", "stack_trace": STACK, "environment": "live"}
    bench.store.add_errors(arriving(bench.at(-5), fingerprint=A, environment="test"))
    bench.store.add_errors(arriving(bench.at(0.5), fingerprint=A, event_id="old", **error))
    # It was sent late, and is older than what is known of the group.
    bench.store.add_errors(
        arriving(bench.at(0.5), fingerprint=A, event_id="late", **error | {"timestamp": bench.at(-60)})
    )
    bench.store.add_errors(arriving(bench.at(0.5), fingerprint=B, event_id="new", **error))
    bench.store.add_errors(arriving(bench.at(0.5), fingerprint=C, project_id="q", **error))
    bench.later(1)
    [got] = await bench.round()
    assert (got["groups"], got["text"]) == ([B], "KeyError: x")
    assert got["first"]["frame"] == "charge (/srv/app/pay.py:7)"
    assert got["url"] == f"{PUBLIC}/p/p/errors/{B}"
    bench.store.add_errors(
        arriving(bench.at(0.5), fingerprint=B, **error), arriving(bench.at(3), fingerprint=C, **error)
    )
    bench.later(4)
    assert await bench.round() == []  # it cools, and what is new waits
    bench.later(6)
    [got] = await bench.round()
    assert got["groups"] == [C]
    assert len(await bench.sent(rule)) == 2


async def test_a_regressed_group_is_told_if_the_query_finds_the_error_that_opened_it(bench: Bench) -> None:
    await bench.rule("regressed_group", q="release:2")
    for group, release in ((A, "2"), (B, "1")):
        at = datetime.fromtimestamp(bench.at(0.2) / 1e6, UTC)
        bench.store.add_errors(
            {"timestamp": microseconds(at), "fingerprint": group, "event_id": group, "release": release}
        )
        opened = StateChange(at, BY, State("resolved").again(Reopened(at, "regressed", group, release)))
        await bench.states.change("p", [group], partial(lambda change, _: change, opened))
    bench.later(3)
    [got] = await bench.round()
    assert (got["groups"], got["text"]) == ([A], "in 2")
    assert await bench.round() == []


async def test_of_many_that_regress_at_once_none_is_left_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_states, "MOST_CHANGES", 2)
    await bench.rule("regressed_group", cooldown=1)
    for n, group in enumerate((A, B, C)):
        at = datetime.fromtimestamp(bench.at(0.2 + n / 10) / 1e6, UTC)
        bench.store.add_errors({"timestamp": microseconds(at), "fingerprint": group, "event_id": group})
        opened = StateChange(at, BY, State("resolved").again(Reopened(at, "regressed", group, "")))
        await bench.states.change("p", [group], partial(lambda change, _: change, opened))
    bench.later(3)
    told = [await bench.round()]
    bench.later(2)
    told.append(await bench.round())
    assert [[each["groups"] for each in alerts] for alerts in told] == [[[A, B]], [[C]]]


async def test_a_spent_budget_is_told_once_a_day_in_all_and_for_each_user(bench: Bench) -> None:
    await bench.rule("llm_cost", name="all", period="day", usd=5, cooldown=1)
    await bench.rule("llm_cost", name="each", period="day", usd=3, each="user", cooldown=1)
    start_of_day = bench.now - bench.now % (24 * 60 * MINUTE)
    bench.now = start_of_day + (24 * 60 * MINUTE) + 60 * MINUTE

    def call(cost: float, user: str) -> None:
        bench.store.add_calls(arriving(bench.at(-1), cost_usd=cost, attributes=f'{{"user":"{user}"}}', model="m"))

    await bench.round()  # to the end of the day before
    call(4, "ann")
    bench.later(6)
    [got] = await bench.round()
    assert got["rule"]["name"] == "each"
    assert "ann $4.00" in got["text"]
    call(2, "bob")
    bench.later(6)
    [got] = await bench.round()
    assert "$6.00 of $5.00" in got["title"]
    call(9, "bob")
    bench.later(6)
    [got] = await bench.round()
    assert "bob $11.00" in got["text"]
    assert "ann" not in got["text"]
    bench.later(6)
    assert await bench.round() == []


async def test_silence_is_told_once_and_a_lag_is_none(bench: Bench) -> None:
    await bench.rule("silence", service="shop", minutes=5, cooldown=1)
    bench.store.add_logs(arriving(bench.at(1.5), service="shop"), arriving(bench.at(9), service="other"))
    bench.later(6)
    assert await bench.round() == []
    bench.complete = bench.now
    bench.later(20)
    assert await bench.round() == []  # nothing of the last 20 minutes is stored yet
    bench.complete = -1
    [got] = await bench.round()
    assert "nothing from shop for 5 minutes" in got["title"]
    bench.later(2)
    assert await bench.round() == []
    bench.store.add_spans(arriving(bench.at(0.5), service="shop"))
    bench.later(1)
    assert await bench.round() == []
    bench.later(6)
    assert len(await bench.round()) == 1


async def test_dead_letters_and_lag_are_told_as_they_stand(bench: Bench) -> None:
    await bench.rule("dead_letters", count=1, cooldown=1)
    await bench.rule("lag", minutes=15, cooldown=1)
    producer = bench.queue.producer()
    await producer.start()
    await put_letter(bench, producer, 1)
    await producer.publish("logs", logs("waits", project_id="p"))
    [got] = await bench.round()
    assert "1 open dead letter" in got["title"]
    assert await bench.round() == []
    await put_letter(bench, producer, 2)
    bench.later(20)
    got = {each["rule"]["kind"]: each for each in await bench.round()}
    assert "2 open dead letters" in got["dead_letters"]["title"]
    assert "storage lags" in got["lag"]["title"]
    bench.later(5)
    assert await bench.round() == []
    await producer.stop()


async def put_letter(bench: Bench, producer: Any, offset: int) -> None:
    message = Message(offset, 1, None, logs("odd", project_id="p"))
    made = letter(Lane("logs", 0), message, None, "unconvertible", "odd")
    await producer.publish("logs.dlq", msgspec.json.encode(made), made.key)
