"""The news of a tail as server-sent events (reading.md, "Events of a tail").

One poll is one event with one id: a client has all of it or, after a broken connection, none of it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from time import monotonic
from typing import Any

from sse_starlette import ServerSentEvent

from gateway.query.as_of import AsOf, encode_as_of
from gateway.query.logs.tail.follow import News
from gateway.query.logs.tail.poll import LeftOut, TailLog
from gateway.query.tails import Tails
from gateway.query.times import format_time
from gateway.rejections import Rejection
from shared.metrics import Metrics

BEAT_S = 5.0
"""A client hears something at least this often."""

Tell = Callable[[News, int | None], bytes]

RETRY_MS = 2_000
"""How long a browser waits before it connects again."""


async def events(
    news: AsyncIterator[News], tails: Tails, metrics: Metrics, tell: Tell | None = None
) -> AsyncIterator[bytes]:
    """The events, each whole. The first one comes at once, the last one says why there are no more: the time is over,
    the process stops, or `news` raised a `Rejection`. `tell`: how a poll is told, on a thread; else as JSON."""
    state, said_at, reason = None, float("-inf"), "the time is over"
    try:
        async for each in news:
            state = each.state
            if each.recreated or each.logs or each.left_out or monotonic() >= said_at + BEAT_S:
                first = said_at == float("-inf")
                yield await asyncio.to_thread(tell or told, each, RETRY_MS if first else None)
                said_at = monotonic()
                metrics.tail_rows.inc(len(each.logs))
                metrics.tail_left_out.inc((each.left_out and each.left_out.count) or 0)
    except Rejection as refusal:
        reason = refusal.sentence
    if tails.given_up:
        reason = "the gateway stops"
    yield event("end", json.dumps({"reason": reason}), id=id_of(state))


def told(news: News, retry: int | None) -> bytes:
    """A poll as JSON. `retry`: milliseconds, if they are to be said."""
    recreated = (event("recreated", json.dumps(lane._asdict())) for lane in news.recreated)
    if news.logs or news.left_out:
        name, data = "logs", _logs(news)
    else:
        name, data = "progress", json.dumps(progress(news))
    return b"".join((*recreated, event(name, data, id=id_of(news.state), retry=retry)))


def event(name: str | None, data: str, **more: Any) -> bytes:
    """One event; without a name it is a message."""
    return ServerSentEvent(data, event=name, sep="\n", **more).encode()


def _logs(news: News) -> str:
    """A JSON object with each log on a line of its own."""
    lines = ",\n".join(map(_log, news.logs))
    rest = {"left_out": news.left_out and _left_out(news.left_out), **progress(news)}
    return f'{{"logs":[\n{lines}\n],{json.dumps(rest)[1:]}'


def _log(log: TailLog) -> str:
    return f'{log.json[:-1].decode()},"late":{json.dumps(log.late)}}}'


def _left_out(left_out: LeftOut) -> dict[str, Any]:
    times = {"start_time": left_out.start, "end_time": left_out.end}
    return {"count": left_out.count, **{name: format_time(time) for name, time in times.items()}}


def progress(news: News) -> dict[str, Any]:
    """How far what is stored is complete."""
    up_to = None if news.complete_up_to is None else format_time(news.complete_up_to)
    return {"complete_up_to": up_to, "complete_reason": news.reason or None}


def id_of(state: AsOf | None) -> str | None:
    """The id of an event."""
    return None if state is None else encode_as_of(state)
