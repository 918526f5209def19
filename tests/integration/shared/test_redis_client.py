"""The Redis client on a real server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from time import monotonic

import pytest

from deploy.local.valkey import Valkey
from shared.clients.redis import Redis, RedisUnavailable, Script
from tests.faults.processes import frozen


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis(redis_url, timeout_s=30)
    yield client
    await client.close()


async def test_commands_scripts_and_answers(redis: Redis, redis_prefix: str) -> None:
    name = f"{redis_prefix}mark"
    assert await redis.call("SET", name, "1", "NX", "EX", 30) is True
    assert await redis.call("SET", name, "2", "NX", "EX", 30) is None
    assert await redis.call("GET", name) == b"1"
    count = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    assert [await redis.run(count, [f"{redis_prefix}n"], [n]) for n in (2, 3)] == [2, 5]


async def test_many_calls_at_once_share_few_connections(redis_url: str) -> None:
    redis = Redis(redis_url, timeout_s=30, connections=4)
    await asyncio.gather(*(redis.ping() for _ in range(200)))
    await redis.close()


async def test_a_refusal_is_unavailable(redis: Redis) -> None:
    with pytest.raises(RedisUnavailable, match="NOSUCHCOMMAND"):
        await redis.call("NOSUCHCOMMAND")


async def test_redis_away_is_said_and_comes_back(own_redis: Callable[..., Valkey]) -> None:
    server = own_redis()
    redis = Redis(server.url, timeout_s=30)
    await redis.ping()
    server.stop()
    with pytest.raises(RedisUnavailable):
        await redis.ping()
    server.start()
    await redis.ping()
    await redis.close()


async def test_after_a_restart_at_most_one_call_fails(own_redis: Callable[..., Valkey]) -> None:
    server = own_redis()
    redis = Redis(server.url, timeout_s=30)
    await asyncio.gather(*(redis.ping() for _ in range(100)))
    server.stop()
    server.start()
    failed = 0
    for _ in range(100):
        try:
            await redis.ping()
        except RedisUnavailable:
            failed += 1
    assert failed <= 1
    await redis.close()


async def test_a_frozen_redis_holds_nobody_for_long(own_redis: Callable[..., Valkey]) -> None:
    server = own_redis()
    redis = Redis(server.url, timeout_s=1, connections=2)
    await redis.ping()
    assert server.pid is not None
    with frozen(server.pid):
        started = monotonic()
        answers = await asyncio.gather(*(redis.ping() for _ in range(20)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {RedisUnavailable}
        assert monotonic() - started < 20
    await redis.ping()
    await redis.close()


async def test_a_listener_hears_and_is_told_when_it_may_have_missed_something(own_redis: Callable[..., Valkey]) -> None:
    server = own_redis()
    redis = Redis(server.url, timeout_s=30)
    heard: asyncio.Queue[str | None] = asyncio.Queue()

    async def listen() -> None:
        async for message in redis.listen("news"):
            heard.put_nowait(message)

    listener = asyncio.create_task(listen())
    async with asyncio.timeout(60):
        assert await heard.get() is None
        await redis.publish("news", "first")
        assert await heard.get() == "first"
        server.stop()
        server.start()
        assert await heard.get() is None
        with suppress(RedisUnavailable):  # over a connection that is older than the restart
            await redis.ping()
        await redis.publish("news", "second")
        assert await heard.get() == "second"
    listener.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listener
    await redis.close()
