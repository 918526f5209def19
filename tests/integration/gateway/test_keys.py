"""Keys in running gateways: made, revoked and rotated by `sluice key`, and with Postgres or Redis away."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import httpx

from deploy.local.postgres import Postgres
from deploy.local.valkey import Valkey
from shared.clients.redis import Redis
from shared.keys import REVOCATIONS
from tests.faults.processes import frozen
from tests.integration.gateways import Gateways, gateways, send

PROCESSES = 3


@asynccontextmanager
async def connections(running: Gateways, n: int = 12) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Keep-alive connections, which the kernel has spread over the processes."""
    clients = [httpx.AsyncClient(base_url=running.url, timeout=60) for _ in range(n)]
    try:
        yield clients
    finally:
        for client in clients:
            await client.aclose()


async def statuses(clients: list[httpx.AsyncClient], key: str) -> set[int]:
    return {answer.status_code for answer in await asyncio.gather(*(send(client, key) for client in clients))}


async def until(clients: list[httpx.AsyncClient], key: str, wanted: set[int]) -> float:
    """Seconds until all processes answer with the wanted statuses."""
    began = monotonic()
    async with asyncio.timeout(60):
        while True:
            if await statuses(clients, key) == wanted:
                return monotonic() - began
            await asyncio.sleep(0.02)


async def test_every_process_refuses_a_revoked_key_within_a_second(
    own_redis: Callable[..., Valkey], postgres_database: str, tmp_path: Path
) -> None:
    async with (
        gateways(tmp_path, postgres_database, own_redis().url, n=PROCESSES) as running,
        connections(running) as clients,
    ):
        other = await running.key()
        assert await statuses(clients, other["key"]) == {200}
        took_s = []
        while not took_s or (min(took_s) >= 1 and len(took_s) < 5):  # a busy machine may be late, but not every time
            took_s.append(await seconds_to_revoke(running, clients))
        assert min(took_s) < 1
        assert max(took_s) < 10, "the caches hold a key for 30 s"
        assert await statuses(clients, other["key"]) == {200}


async def seconds_to_revoke(running: Gateways, clients: list[httpx.AsyncClient]) -> float:
    """Seconds from the message that a key was revoked until all processes refuse it."""
    made = await running.key()
    assert await statuses(clients, made["key"]) == {200}
    listens = asyncio.Event()
    told = asyncio.create_task(_next_revocation(running, listens))
    await listens.wait()
    revoking = asyncio.create_task(running.sluice("key", "revoke", made["id"]))
    await told
    took_s = await until(clients, made["key"], {401})
    await revoking
    return took_s


async def test_a_new_key_works_at_once_although_it_was_refused_before(
    own_redis: Callable[..., Valkey], postgres_database: str, tmp_path: Path
) -> None:
    async with (
        gateways(tmp_path, postgres_database, own_redis().url) as running,
        connections(running, 1) as clients,
    ):
        project = await running.sluice("project", "create", "P", "--rate-limit", "3")
        made = await running.key(project=project)
        first = await send(clients[0], made["key"])
        assert (first.status_code, first.headers["X-RateLimit-Limit"]) == (200, "3")  # the project's
        await running.sluice("project", "update", project["id"], "--rate-limit", "9")
        assert await asyncio.wait_for(_limit_becomes(clients[0], made["key"], "9"), 10)

        rotated = await running.sluice("key", "rotate", made["id"], "--grace", "6s")
        assert await statuses(clients, rotated["key"]) == {200}
        assert await statuses(clients, made["key"]) == {200}
        assert 0 < await until(clients, made["key"], {401}) < 20
        assert await statuses(clients, rotated["key"]) == {200}


async def test_with_redis_away_a_revoked_key_ends_when_its_cache_entry_does(
    own_redis: Callable[..., Valkey], postgres_database: str, tmp_path: Path
) -> None:
    redis = own_redis()
    short = {"SLUICE_GATEWAY_KEY_FRESH_S": "3"}
    async with (
        gateways(tmp_path, postgres_database, redis.url, n=PROCESSES, **short) as running,
        connections(running) as clients,
    ):
        made = await running.key("--rate-limit", "0")
        assert await statuses(clients, made["key"]) == {200}
        redis.stop()
        await running.sluice("key", "revoke", made["id"])
        assert await until(clients, made["key"], {401}) < 12, "not for the usual 30 s"


async def test_a_revocation_that_was_missed_is_noticed_when_redis_is_back(
    own_redis: Callable[..., Valkey], postgres_database: str, tmp_path: Path
) -> None:
    redis = own_redis()
    long = {"SLUICE_GATEWAY_KEY_FRESH_S": "600"}
    async with (
        gateways(tmp_path, postgres_database, redis.url, n=PROCESSES, **long) as running,
        connections(running) as clients,
    ):
        made = await running.key("--rate-limit", "0")
        assert await statuses(clients, made["key"]) == {200}
        redis.stop()
        await running.sluice("key", "revoke", made["id"])
        assert 200 in await statuses(clients, made["key"])
        redis.start()
        await until(clients, made["key"], {401})


async def test_with_postgres_away_known_keys_go_on_unknown_ones_are_503_and_revocations_wait(
    own_redis: Callable[..., Valkey], own_postgres: Callable[..., Postgres], tmp_path: Path
) -> None:
    postgres = own_postgres()
    short = {"SLUICE_GATEWAY_KEY_FRESH_S": "1", "SLUICE_GATEWAY_KEY_STALE_S": "15"}
    async with (
        gateways(tmp_path, postgres.url, own_redis().url, **short) as running,
        connections(running, 2) as clients,
    ):
        known, unseen = await running.key(), await running.key()
        assert await statuses(clients, known["key"]) == {200}
        assert await statuses(clients, "dt_unknown") == {401}
        gone_at = monotonic()
        postgres.stop()
        assert await statuses(clients, known["key"]) == {200}
        await asyncio.sleep(1.2)
        assert await statuses(clients, known["key"]) == {200}  # stale
        refused = await send(clients[0], unseen["key"])
        assert (refused.status_code, refused.content) == (503, b'{"error":"Service temporarily unavailable"}')
        assert int(refused.headers["Retry-After"]) >= 1
        refused = await send(clients[0], unseen["key"], "/api/v1/logs/batch", b'{"logs":[]}')
        assert (refused.status_code, refused.content) == (503, b'{"detail":"Log storage temporarily unavailable"}')
        ready = await clients[0].get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        while monotonic() - gone_at < 6:
            assert await statuses(clients, known["key"]) == {200}
            await asyncio.sleep(0.3)
        await until(clients, known["key"], {503})  # known for too long
        postgres.start()
        await until(clients, known["key"], {200})
        await until(clients, unseen["key"], {200})


async def test_a_frozen_postgres_makes_nobody_with_a_known_key_wait(
    own_redis: Callable[..., Valkey], own_postgres: Callable[..., Postgres], tmp_path: Path
) -> None:
    postgres = own_postgres()
    short = {"SLUICE_GATEWAY_KEY_FRESH_S": "1"}
    async with (
        gateways(tmp_path, postgres.url, own_redis().url, **short) as running,
        connections(running, 1) as clients,
    ):
        known, unseen = await running.key(), await running.key()
        assert await statuses(clients, known["key"]) == {200}
        assert postgres.pid is not None
        with frozen(postgres.pid):
            await asyncio.sleep(1.2)
            await send(clients[0], known["key"])  # may wait once, for as long as Postgres is given
            waits_s = []
            for _ in range(30):
                began = monotonic()
                assert await statuses(clients, known["key"]) == {200}
                waits_s.append(monotonic() - began)
                await asyncio.sleep(0.1)
            assert sorted(waits_s)[len(waits_s) // 2] < 1
            assert sum(waits_s) < 45, "each would wait two seconds"
            assert await statuses(clients, unseen["key"]) == {503}


async def _next_revocation(running: Gateways, listens: asyncio.Event) -> None:
    redis = Redis(running.environment["SLUICE_REDIS_URL"], timeout_s=30)
    async for message in redis.listen(REVOCATIONS):
        if message is not None:
            break
        listens.set()
    await redis.close()


async def _limit_becomes(client: httpx.AsyncClient, key: str, limit: str) -> bool:
    while True:
        if (await send(client, key)).headers["X-RateLimit-Limit"] == limit:
            return True
        await asyncio.sleep(0.02)
