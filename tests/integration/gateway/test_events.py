"""One event, one row: ids of errors count alone, in an array and between arrays (contracts.md, "Idempotency-Key";
delivery.md, "The idempotency mark")."""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from deploy.local.valkey import Valkey
from gateway.events import Events
from gateway.http.answer import Answer
from gateway.idempotency import PENDING_S, Idempotency
from gateway.ingest import outcome_of
from gateway.rejections import EventReused, Unavailable
from gateway.validation.parts import Part
from shared.clients.redis import Redis
from shared.formats import proliferate_errors
from shared.metrics import Metrics
from tests.integration.gateway.gateway_process import GatewayProcess
from tests.validating import Door

ERRORS = "/api/v1/errors"
DOOR = Door(proliferate_errors)


def error(event_id: str | None, message: str = "m", **more: Any) -> dict[str, Any]:
    return {"event_id": event_id, "message": message, **more}


class Queue:
    """Publishes parts as the gateway would, and remembers what it was given."""

    def __init__(self) -> None:
        self.stored: list[tuple[str, str]] = []
        self.fails = False
        self.began, self.may_end = asyncio.Event(), asyncio.Event()
        self.may_end.set()

    async def __call__(self, parts: list[Part]) -> Answer:
        self.began.set()
        await self.may_end.wait()
        if self.fails:
            raise Unavailable
        for part in parts:
            messages = [record["message"] for record in json.loads(bytes(part.payload))]
            assert len(messages) == part.n == len(part.event_ids)
            self.stored += zip(part.event_ids, messages, strict=True)
        outcome = outcome_of(parts)
        return Answer(outcome.accepted, json.dumps([told for part in parts for told in part.told]).encode())


@pytest.fixture
def events(redis: Redis, redis_prefix: str, metrics: Metrics) -> Events:
    return Events(Idempotency(redis, metrics, redis_prefix))


async def post(events: Events, queue: Queue, body: object, project: str = "p") -> tuple[int, list[str]]:
    """(accepted, what is said of the dropped)"""
    part = DOOR.validate(json.dumps(body).encode())
    answer = await events.once(project, "/r", [part], queue)
    return answer.status, json.loads(answer.body)


async def test_equal_elements_of_one_array_are_stored_once(events: Events) -> None:
    queue = Queue()
    assert await post(events, queue, [error("a"), error("b"), error("a"), error(None), error(None)]) == (5, [])
    assert queue.stored == [("a", "m"), ("b", "m"), ("", "m"), ("", "m")]


async def test_what_was_in_another_array_is_not_stored_again(events: Events) -> None:
    queue = Queue()
    await post(events, queue, [error("a"), error("b")])
    assert await post(events, queue, [error("b"), error("c"), error("a")]) == (3, [])
    assert queue.stored == [("a", "m"), ("b", "m"), ("c", "m")]


@pytest.mark.parametrize("first_alone", [True, False])
async def test_alone_and_in_an_array_is_the_same(events: Events, first_alone: bool) -> None:
    queue = Queue()
    alone, among = error("a"), [error("a"), error("b")]
    for body in (alone, among) if first_alone else (among, alone):
        await post(events, queue, body)
        await post(events, queue, body)
    assert sorted(queue.stored) == [("a", "m"), ("b", "m")]


async def test_a_key_in_the_body_is_no_part_of_it(events: Events) -> None:
    queue = Queue()
    await post(events, queue, error("a", api_key="one"))
    await post(events, queue, [error("a", api_key="two")])
    assert await post(events, queue, error("a")) == (1, [])
    assert len(queue.stored) == 1


async def test_another_body_under_an_id_is_dropped_and_named_or_refused(events: Events) -> None:
    queue = Queue()
    await post(events, queue, error("a"))
    body = [error("b"), 5, error("a", "other"), error("b", "other"), error("c")]
    told = ["1:not_an_object", "2:reused_event_id", "3:reused_event_id"]
    assert await post(events, queue, body) == (2, told)
    with pytest.raises(EventReused):
        await post(events, queue, error("a", "other"))
    assert queue.stored == [("a", "m"), ("b", "m"), ("c", "m")]


async def test_a_uuid_is_the_same_in_every_spelling(events: Events) -> None:
    queue, event_id = Queue(), str(uuid.uuid4())
    spelled = [event_id, event_id.upper(), event_id.replace("-", ""), event_id.replace("-", "").upper()]
    raw = json.dumps(error("ID"))
    for each in spelled:
        await events.once("p", "/r", [DOOR.validate(raw.replace("ID", each).encode())], queue)
    assert queue.stored == [(event_id, "m")]
    other = [DOOR.validate(json.dumps(error(each, "other")).encode()) for each in spelled]
    for part in other:
        with pytest.raises(EventReused):
            await events.once("p", "/r", [part], queue)


async def test_ids_of_other_projects_are_other_ids(events: Events) -> None:
    queue = Queue()
    for project in ("p", "q"):
        await post(events, queue, [error("a")], project)
    assert len(queue.stored) == 2


async def test_a_failed_publish_leaves_nothing_behind(events: Events) -> None:
    queue = Queue()
    queue.fails = True
    with pytest.raises(Unavailable):
        await post(events, queue, [error("a"), error("b")])
    queue.fails = False
    assert await post(events, queue, [error("a", "other"), error("b")]) == (2, [])
    assert queue.stored == [("a", "other"), ("b", "m")]


async def test_while_one_is_under_way_the_whole_array_waits_and_takes_no_marks(events: Events) -> None:
    slow, queue = Queue(), Queue()
    slow.may_end.clear()
    first = asyncio.create_task(post(events, slow, [error("a")]))
    await slow.began.wait()
    with pytest.raises(Unavailable):
        await post(events, queue, [error("b"), error("a")])
    assert await post(events, queue, error("b", "another b")) == (1, [])
    slow.may_end.set()
    assert await first == (1, [])
    assert await post(events, queue, [error("a")]) == (1, [])
    assert queue.stored == [("b", "another b")]


async def test_a_cancelled_request_leaves_nothing_behind(events: Events) -> None:
    slow, queue = Queue(), Queue()
    slow.may_end.clear()
    first = asyncio.create_task(post(events, slow, [error("a"), error("b")]))
    await slow.began.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await post(events, queue, [error("a"), error("b")])
    assert len(queue.stored) == 2


async def test_of_many_at_once_each_is_stored_once(events: Events) -> None:
    queue = Queue()
    arrays = [[error(f"e{(n + i) % 10}") for i in range(5)] for n in range(20)]
    answers = await asyncio.gather(*(post(events, queue, array) for array in arrays), return_exceptions=True)
    assert all(answer == (5, []) or isinstance(answer, Unavailable) for answer in answers)
    assert len(queue.stored) == len(set(queue.stored))


async def test_marks_are_pending_before_the_publish_and_done_after_it(
    events: Events, redis: Redis, redis_prefix: str
) -> None:
    async def look(parts: list[Part]) -> Answer:
        names = await redis.call("KEYS", f"{redis_prefix}*")
        assert len(names) == 100
        assert PENDING_S - 3 <= await redis.call("TTL", names[0]) <= PENDING_S
        return Answer(202, b"")

    part = DOOR.validate(json.dumps([error(f"e{n}") for n in range(100)]).encode())
    await events.once("p", "/r", [part], look)
    names = await redis.call("KEYS", f"{redis_prefix}*")
    assert len(names) == 100
    assert 590 <= await redis.call("TTL", names[0]) <= 600


async def test_an_array_costs_one_round_trip_before_and_one_after(
    events: Events, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post(events, Queue(), [error("warm")])
    calls = 0
    call = redis.call

    async def counted(*command: Any) -> Any:
        nonlocal calls
        calls += 1
        return await call(*command)

    monkeypatch.setattr(redis, "call", counted)
    await post(events, Queue(), [error(f"e{n}") for n in range(100)])
    assert calls == 2


async def test_a_mark_that_can_not_be_read_counts_as_none(
    events: Events, redis: Redis, redis_prefix: str, metrics: Metrics
) -> None:
    queue = Queue()
    await post(events, queue, error("a"))
    [name] = await redis.call("KEYS", f"{redis_prefix}*")
    await redis.call("SET", name, b"garbage")
    assert await post(events, queue, error("a")) == (1, [])
    assert len(queue.stored) == 2
    assert metrics.registry.get_sample_value("sluice_unreadable_total", {"what": "mark"}) == 1


async def test_with_redis_away_everything_is_published_and_counted(
    own_redis: Callable[..., Valkey], metrics: Metrics
) -> None:
    server = own_redis()
    redis = Redis(server.url)
    events, queue = Events(Idempotency(redis, metrics)), Queue()
    await post(events, queue, [error("a")])
    server.stop()
    assert await post(events, queue, [error("a"), error("a"), error("b")]) == (3, [])
    assert queue.stored == [("a", "m"), ("a", "m"), ("b", "m")]
    assert metrics.registry.get_sample_value("sluice_idempotency_unguarded_total", {"step": "begin"}) == 1
    await redis.close()


def test_over_http(gateway: GatewayProcess) -> None:
    def stored() -> list[tuple[str, str]]:
        return [
            (event_id, record["message"])
            for stamp, records in gateway.stored("errors")
            for event_id, record in zip(stamp.event_ids, records, strict=True)
        ]

    before = stored()
    a, b, c = (str(uuid.uuid4()) for _ in range(3))
    first = gateway.post(ERRORS, error(a))
    assert (first.status, first.json, first.headers["x-event-id"]) == (202, {"accepted": 1, "dropped": 0}, a)
    answer = gateway.post(ERRORS, [error(b), error(None), error(a), error(b), error(a, "other"), error(c)])
    assert (answer.status, answer.json) == (202, {"accepted": 5, "dropped": 1})
    assert answer.headers["x-dropped"] == "4:reused_event_id"
    ids = answer.headers["x-event-id"].split(",")
    assert (ids[0], ids[2:]) == (b, [a, b, c])
    again = gateway.post(ERRORS, error(a))
    assert (again.status, again.body, again.headers["x-event-id"]) == (first.status, first.body, a)
    reused = gateway.post(ERRORS, error(a, "other"))
    assert (reused.status, reused.json) == (422, {"detail": "event_id was used with another request body"})
    assert stored()[len(before) :] == [(a, "m"), (b, "m"), (ids[1], "m"), (c, "m")]
    answer = gateway.post(ERRORS, error(c, "third"), idempotency_key="event:" + a)  # a header is not an id
    assert answer.status == 422
    assert gateway.post(ERRORS, error(None, "fourth"), idempotency_key="event:" + a).status == 202
