"""Rate limits over a real Redis: several processes' worth of `Limits` in one, sharing nothing but that Redis."""

import asyncio
from collections.abc import Callable
from itertools import count
from time import time

import pytest

from deploy.local.valkey import Valkey
from gateway.http.answer_headers import Headers
from gateway.leases import BEAT_S
from gateway.limits import Limits
from gateway.rejections import RateLimited
from shared.clients.redis import Redis
from shared.keys import ResolvedKey
from shared.metrics import Metrics


class Process:
    """What one gateway process has."""

    def __init__(self, url: str) -> None:
        self.redis = Redis(url, timeout_s=30)
        self.metrics = Metrics()
        self.limits = Limits(self.redis, self.metrics, ingest=5000, read=600)

    async def close(self) -> None:
        await self.limits.close()
        await self.redis.close()

    def local(self) -> float:
        return self.metrics.registry.get_sample_value("sluice_local_limit_requests_total") or 0.0

    async def ask(self, limit: int | None, kind: str = "ingest", key_id: str = "key_1") -> tuple[bool, dict[str, int]]:
        """(let through, the headers' numbers)."""
        fields = {f"{kind}_limit": limit}
        key = ResolvedKey(key_id=key_id, project_id="p", scopes=frozenset(), **fields)  # type: ignore[arg-type]
        headers: Headers = []
        passed = True
        try:
            await self.limits.of(kind).admit(key, headers)  # type: ignore[arg-type]
        except RateLimited:
            passed = False
        return passed, {name.decode().removeprefix("x-ratelimit-"): int(value) for name, value in headers}


@pytest.fixture
def url(own_redis: Callable[..., Valkey]) -> str:
    return own_redis().url


async def started(url: str, n: int = 1) -> list[Process]:
    processes = [Process(url) for _ in range(n)]
    for process in processes:
        await process.limits.start()
    return processes


async def closed(processes: list[Process]) -> None:
    for process in processes:
        await process.close()


async def room_in_the_minute(seconds: float) -> None:
    """Wait for the next minute if this one ends too soon for what a test counts."""
    left = 60 - time() % 60
    if left < seconds:
        await asyncio.sleep(left + 0.1)


async def test_a_limit_is_exact_for_one_process_and_its_headers_count_down_to_the_minutes_end(url: str) -> None:
    (process,) = await started(url)
    await room_in_the_minute(5)
    answers = [await process.ask(120) for _ in range(125)]
    assert [passed for passed, _ in answers] == [True] * 120 + [False] * 5
    assert [told["remaining"] for _, told in answers] == [*range(119, -1, -1), *[0] * 5]
    assert {told["limit"] for _, told in answers} == {120}
    (reset,) = {told["reset"] for _, told in answers}
    assert reset % 60 == 0
    assert 0 < reset - time() <= 60
    assert process.local() == 0
    await closed([process])


@pytest.mark.parametrize("limit", [3, 50, 1000, 5000])
async def test_four_processes_that_are_all_asked_let_exactly_the_limit_through(url: str, limit: int) -> None:
    processes = await started(url, 4)
    await room_in_the_minute(5 + limit / 200)

    async def client(process: Process) -> int:
        return sum([(await process.ask(limit))[0] for _ in range(limit // 4)])

    counts = await asyncio.gather(*(client(process) for process in processes for _ in range(6)))
    assert sum(counts) == min(limit, 24 * (limit // 4))
    await closed(processes)


async def test_what_other_processes_hold_and_do_not_use_is_within_2_percent(url: str) -> None:
    processes = await started(url, 4)
    await room_in_the_minute(10)
    for idle in processes[1:]:
        assert (await idle.ask(1000))[0]
    passed = [(await processes[0].ask(1000))[0] for _ in range(1010)]
    assert 0.98 * 1000 <= sum(passed) + 3 <= 1000
    await closed(processes)


async def test_many_requests_at_once_wait_for_the_same_lease(url: str) -> None:
    (process,) = await started(url)
    await room_in_the_minute(5)
    asked = 0
    run = process.redis.run

    async def counted(*arguments: object) -> object:
        nonlocal asked
        asked += 1
        return await run(*arguments)  # type: ignore[arg-type]

    process.redis.run = counted  # type: ignore[method-assign]
    answers = await asyncio.gather(*(process.ask(5000) for _ in range(300)))
    assert all(passed for passed, _ in answers)
    assert asked <= 2
    await closed([process])


async def test_without_a_limit_redis_is_never_asked_and_no_header_is_told() -> None:
    process = Process("redis://127.0.0.1:1/0")
    assert await process.ask(0) == (True, {})
    assert await process.ask(None, "drain") == (True, {})
    assert process.local() == 0
    await process.close()


async def test_kinds_and_keys_are_counted_apart(url: str) -> None:
    (process,) = await started(url)
    await room_in_the_minute(5)
    assert [(await process.ask(1, kind))[0] for kind in ("ingest", "read", "drain")] == [True] * 3
    assert [(await process.ask(1, kind))[0] for kind in ("ingest", "read", "drain")] == [False] * 3
    assert (await process.ask(1, key_id="key_2"))[0]
    assert [(await process.ask(None, kind, "key_3"))[1]["limit"] for kind in ("ingest", "read")] == [5000, 600]
    await closed([process])


async def test_a_changed_limit_holds_at_once(url: str) -> None:
    (process,) = await started(url)
    await room_in_the_minute(5)
    assert [(await process.ask(2))[0] for _ in range(3)] == [True, True, False]
    assert [(await process.ask(4))[0] for _ in range(3)] == [True, True, False]
    assert (await process.ask(1))[0] is False
    await closed([process])


async def test_with_redis_away_a_process_goes_on_by_itself_and_counts_that(own_redis: Callable[..., Valkey]) -> None:
    server = own_redis()
    (process,) = await started(server.url)
    await room_in_the_minute(20)
    assert [(await process.ask(60))[0] for _ in range(20)] == [True] * 20
    server.stop()
    answers = [await process.ask(60) for _ in range(60)]
    assert [passed for passed, _ in answers] == [True] * 40 + [False] * 20
    assert answers[0][1]["remaining"] == 39
    assert process.local() == 40
    assert (await process.ask(60, key_id="key_2"))[0]  # a whole limit, in a minute of its own clock
    server.start()
    async with asyncio.timeout(20 * BEAT_S):
        for n in count(3):  # a key that was counted here is counted here until its minute is over
            before = process.local()
            assert (await process.ask(60, key_id=f"key_{n}"))[0]
            if process.local() == before:
                break
            await asyncio.sleep(0.2)
    await closed([process])


async def test_redis_away_from_the_beginning_lets_requests_through(own_redis: Callable[..., Valkey]) -> None:
    (process,) = await started("redis://127.0.0.1:1/0")
    await room_in_the_minute(2)
    assert [(await process.ask(2))[0] for _ in range(3)] == [True, True, False]
    await closed([process])
