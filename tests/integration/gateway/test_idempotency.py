"""Repeats of a request (contracts.md, "Idempotency-Key"; delivery.md, "The idempotency mark"), on real Valkey."""

import asyncio
import json
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from deploy.local.valkey import Valkey
from gateway.idempotency import PENDING_S, Answer, Idempotency, digest_of, key_from
from gateway.rejections import KeyReused, KeyTooLong, Unavailable
from shared.clients.redis import Redis
from shared.metrics import Metrics
from tests.faults.processes import frozen

BODY, OTHER = digest_of(b"body"), digest_of(b"another body")
FIRST = Answer(200, b'{"ok":true}', [(b"x-event-id", b"e1")])


class Work:
    """A publish that counts its calls, and does what the test says."""

    def __init__(self, answer: Answer = FIRST, error: Exception | None = None) -> None:
        self.calls = 0
        self.answer, self.error = answer, error
        self.began, self.may_end = asyncio.Event(), asyncio.Event()
        self.may_end.set()

    async def __call__(self) -> Answer:
        self.calls += 1
        self.began.set()
        await self.may_end.wait()
        if self.error:
            raise self.error
        return self.answer


@pytest.fixture
def idempotency(redis: Redis, redis_prefix: str, metrics: Metrics) -> Idempotency:
    return Idempotency(redis, metrics, redis_prefix)


def unguarded(metrics: Metrics, step: str) -> float:
    return metrics.registry.get_sample_value("sluice_idempotency_unguarded_total", {"step": step}) or 0


async def test_a_repeat_gets_the_first_answer_without_a_second_publish(
    idempotency: Idempotency, metrics: Metrics
) -> None:
    work = Work()
    assert await idempotency.once("p", "/r", b"k", BODY, work) == FIRST
    again = Work(Answer(200, b"another"))
    assert await idempotency.once("p", "/r", b"k", BODY, again) == FIRST
    assert (work.calls, again.calls) == (1, 0)
    assert metrics.registry.get_sample_value("sluice_repeats_total") == 1


async def test_another_body_under_the_same_key_is_refused(idempotency: Idempotency) -> None:
    await idempotency.once("p", "/r", b"k", BODY, Work())
    with pytest.raises(KeyReused):
        await idempotency.once("p", "/r", b"k", OTHER, Work())


async def test_keys_of_other_projects_and_routes_are_other_keys(idempotency: Idempotency) -> None:
    for project, route in (("p", "/r"), ("q", "/r"), ("p", "/s"), ("p/r", ""), ("", "p/r")):
        work = Work()
        await idempotency.once(project, route, b"k", OTHER if project == "q" else BODY, work)
        assert work.calls == 1


async def test_a_failed_publish_leaves_nothing_behind(idempotency: Idempotency) -> None:
    with pytest.raises(Unavailable):
        await idempotency.once("p", "/r", b"k", BODY, Work(error=Unavailable()))
    work = Work()
    assert await idempotency.once("p", "/r", b"k", OTHER, work) == FIRST
    assert work.calls == 1


async def test_a_cancelled_publish_leaves_nothing_behind(idempotency: Idempotency) -> None:
    slow = Work()
    slow.may_end.clear()
    first = asyncio.create_task(idempotency.once("p", "/r", b"k", BODY, slow))
    await slow.began.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await idempotency.once("p", "/r", b"k", BODY, Work()) == FIRST


async def test_a_repeat_while_the_first_is_on_its_way_is_503(idempotency: Idempotency) -> None:
    slow = Work()
    slow.may_end.clear()
    first = asyncio.create_task(idempotency.once("p", "/r", b"k", BODY, slow))
    await slow.began.wait()
    with pytest.raises(Unavailable) as refused:
        await idempotency.once("p", "/r", b"k", BODY, Work())
    assert refused.value.headers() == {"Retry-After": "1"}
    slow.may_end.set()
    assert await first == FIRST
    assert await idempotency.once("p", "/r", b"k", BODY, Work(Answer(200, b"another"))) == FIRST


async def test_of_many_at_once_one_is_published(idempotency: Idempotency) -> None:
    work = Work()
    answers = await asyncio.gather(
        *(idempotency.once("p", "/r", b"k", BODY, work) for _ in range(20)), return_exceptions=True
    )
    assert work.calls == 1
    assert all(answer == FIRST or isinstance(answer, Unavailable) for answer in answers)


async def test_a_failure_leaves_the_mark_of_a_later_try_alone(
    idempotency: Idempotency, redis: Redis, redis_prefix: str
) -> None:
    slow = Work(error=Unavailable())
    slow.may_end.clear()
    first = asyncio.create_task(idempotency.once("p", "/r", b"k", BODY, slow))
    await slow.began.wait()
    [name] = await redis.call("KEYS", f"{redis_prefix}*")
    await redis.call("DEL", name)  # as if its 30 s were over
    assert await idempotency.once("p", "/r", b"k", BODY, Work()) == FIRST
    slow.may_end.set()
    with pytest.raises(Unavailable):
        await first
    again = Work()
    assert await idempotency.once("p", "/r", b"k", BODY, again) == FIRST
    assert again.calls == 0


async def test_marks_expire_pending_after_45_s_and_done_after_10_minutes(
    idempotency: Idempotency, redis: Redis, redis_prefix: str
) -> None:
    async def look() -> Answer:
        [name] = await redis.call("KEYS", f"{redis_prefix}*")
        assert PENDING_S - 2 <= await redis.call("TTL", name) <= PENDING_S == 60
        return FIRST

    await idempotency.once("p", "/r", b"k", BODY, look)
    [name] = await redis.call("KEYS", f"{redis_prefix}*")
    assert 598 <= await redis.call("TTL", name) <= 600


async def test_with_redis_away_everything_is_published_and_counted(
    own_redis: Callable[..., Valkey], metrics: Metrics
) -> None:
    server = own_redis()
    redis = Redis(server.url)
    idempotency = Idempotency(redis, metrics)
    await idempotency.once("p", "/r", b"k", BODY, Work())
    server.stop()
    work = Work()
    for _ in range(2):
        assert await idempotency.once("p", "/r", b"k", BODY, work) == FIRST
    assert (work.calls, unguarded(metrics, "begin")) == (2, 2)
    await redis.close()


@pytest.mark.parametrize(("error", "step"), [(None, "done"), (Unavailable(), "failed")])
async def test_redis_going_away_during_a_publish_changes_nothing_of_its_outcome(
    own_redis: Callable[..., Valkey], metrics: Metrics, error: Exception | None, step: str
) -> None:
    server = own_redis()
    redis = Redis(server.url)
    assert server.pid is not None
    until_the_end = ExitStack()

    async def work() -> Answer:
        until_the_end.enter_context(frozen(server.pid or 0))
        if error:
            raise error
        return FIRST

    with until_the_end:
        once = Idempotency(redis, metrics).once("p", "/r", b"k", BODY, work)
        if error:
            with pytest.raises(Unavailable):
                await once
        else:
            assert await once == FIRST
    assert unguarded(metrics, step) == 1
    await redis.close()


UNREADABLE = [
    b"",
    b"garbage",
    b"\xc1",
    b"\x93\xa0",
    b"\x81\xa1a\x01",
    b"\x93\x01\x02\x03",
    b"\x94\xc4\x01a\xc4\x01b\x93\xa1x\xc4\x00\x90",
]


@pytest.mark.parametrize("mark", UNREADABLE)
async def test_a_mark_that_can_not_be_read_is_taken_as_absent(
    idempotency: Idempotency, redis: Redis, redis_prefix: str, metrics: Metrics, mark: bytes
) -> None:
    await idempotency.once("p", "/r", b"k", BODY, Work())
    [name] = await redis.call("KEYS", f"{redis_prefix}*")
    await redis.call("SET", name, mark)
    work = Work(Answer(200, b"another"))
    for _ in range(2):
        assert await idempotency.once("p", "/r", b"k", BODY, work) == Answer(200, b"another")
    assert work.calls == 1, "the mark of the second request replaced it"
    assert metrics.registry.get_sample_value("sluice_unreadable_total", {"what": "mark"}) == 1


async def test_a_mark_of_another_type_counts_as_redis_being_away(
    idempotency: Idempotency, redis: Redis, redis_prefix: str, metrics: Metrics
) -> None:
    await idempotency.once("p", "/r", b"k", BODY, Work())
    [name] = await redis.call("KEYS", f"{redis_prefix}*")
    await redis.call("DEL", name)
    await redis.call("RPUSH", name, b"a list")
    assert await idempotency.once("p", "/r", b"k", BODY, Work()) == FIRST
    assert unguarded(metrics, "begin") == 1


def test_the_request_s_own_key_is_no_part_of_the_digest() -> None:
    body = {"service": "s", "logs": [{"message": "m", "api_key": "other"}]}
    plain = digest_of(json.dumps(body).encode(), "dt_1")
    for carried in (
        {"api_key": "dt_1", **body},
        {**body, "api_key": "dt_1"},
        {"service": "s", "api_key": "dt_1"} | body,
    ):
        assert digest_of(json.dumps(carried).encode(), "dt_1") == plain
        spaced = json.dumps(carried, indent=2).encode()
        assert digest_of(spaced, "dt_1") == digest_of(json.dumps(body, indent=2).encode(), None)
    assert digest_of(b'[{"api_key":"dt_1","a":1},{"a":1}]', "dt_1") == digest_of(b'[{"a":1},{"a":1}]')
    assert digest_of(b'{"api_key":"dt_1"}', "dt_1") == digest_of(b"{}")


@pytest.mark.parametrize(
    "other", [b'{"api_key":"dt_2"}', b'{"a":"dt_1"}', b'{"api_key":{"a":"dt_1"}}', b'{"api_key":"dt_12"}']
)
def test_everything_else_of_a_body_is_part_of_the_digest(other: bytes) -> None:
    assert digest_of(other, "dt_1") != digest_of(b"{}", "dt_1")
    assert digest_of(other, "dt_1") == digest_of(other)


def test_a_key_has_at_most_255_characters_and_an_empty_one_is_none() -> None:
    assert key_from(b"k" * 255) == b"k" * 255
    assert key_from(None) is key_from(b"  ") is None
    with pytest.raises(KeyTooLong):
        key_from(b"k" * 256)
