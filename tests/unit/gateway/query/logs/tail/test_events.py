"""News of a tail as server-sent events."""

import json
from collections.abc import AsyncIterator

import pytest

from gateway.query.as_of import AsOf, decode_as_of
from gateway.query.logs.tail import events as module
from gateway.query.logs.tail.events import events
from gateway.query.logs.tail.follow import News
from gateway.query.logs.tail.poll import LeftOut, TailLog
from gateway.query.place import Place
from gateway.query.tails import Tails
from shared.metrics import Metrics
from shared.queue.base import Lane
from tests.event_stream import Event, read_events

NOON = 1_768_478_400_000_000
STATE = AsOf(NOON, {"logs": (3, 4)})


def log(text: bytes, *, late: bool = False) -> TailLog:
    return TailLog(text, Place(NOON, NOON, 0, 0, 0, "logs"), late)


async def told(*news: News, tails: Tails | None = None, metrics: Metrics | None = None) -> list[Event]:
    async def all_of() -> AsyncIterator[News]:
        for each in news:
            yield each

    stream = b"".join([each async for each in events(all_of(), tails or Tails(), metrics or Metrics())])
    return read_events(stream)


async def test_the_logs_of_a_poll_are_one_event_with_the_state_behind_them() -> None:
    metrics = Metrics()
    logs = (log(b'{"message":"a\\nb"}'), log(b'{"message":"\xc3\xa4\xe2\x80\xa8","attributes":{\r\n"k":1}}', late=True))
    news = News(STATE, NOON, logs=logs, left_out=LeftOut(7, NOON - 5, NOON), recreated=(Lane("logs", 1),))
    recreated, found, end = await told(news, metrics=metrics)
    assert (recreated.name, recreated.id, recreated.json) == ("recreated", None, {"topic": "logs", "partition": 1})
    assert found.name == "logs"
    assert decode_as_of(found.id or "") == STATE
    assert found.json == {
        "logs": [
            {"message": "a\nb", "late": False},
            {"message": "ä\u2028", "attributes": {"k": 1}, "late": True},
        ],
        "left_out": {"count": 7, "start_time": "2026-01-15T11:59:59.999995Z", "end_time": "2026-01-15T12:00:00.000Z"},
        "complete_up_to": "2026-01-15T12:00:00.000Z",
        "complete_reason": None,
    }
    assert '{"message":"a\\nb","late":false},' in found.data.split("\n"), "each log has a line of its own"
    assert (end.name, end.id, end.json) == ("end", found.id, {"reason": "the time is over"})
    assert metrics.registry.get_sample_value("sluice_tail_rows_total") == 2
    assert metrics.registry.get_sample_value("sluice_tail_left_out_total") == 7


async def test_progress_is_told_at_first_and_then_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = News(None, None, "the queue is away")
    first, end = await told(nothing, nothing, News(STATE, NOON))
    assert (first.name, first.id, first.retry) == ("progress", None, 2000)
    assert first.json == {"complete_up_to": None, "complete_reason": "the queue is away"}
    assert decode_as_of(end.id or "") == STATE, "also what was not told goes on from there"
    monkeypatch.setattr(module, "BEAT_S", 0.0)
    assert [each.name for each in await told(nothing, nothing)] == ["progress", "progress", "end"]


async def test_what_was_not_even_counted_has_no_count() -> None:
    found, _ = await told(News(STATE, NOON, left_out=LeftOut(None, NOON, NOON)))
    assert found.name == "logs"
    assert found.json["logs"] == []
    assert json.loads(found.data)["left_out"]["count"] is None


async def test_the_end_of_the_process_is_said() -> None:
    tails = Tails()
    tails.give_up()
    (end,) = await told(tails=tails)
    assert (end.name, end.id, end.json) == ("end", None, {"reason": "the gateway stops"})
