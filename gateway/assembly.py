"""Builds what a gateway process is made of, once, from its settings."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request

from gateway import apis
from gateway.app import Deps
from gateway.auth import KeyCache, LookupFailed, key_of, permit
from gateway.drains.handshake import CodeOf, VerifyCodes
from gateway.drains.route import DrainDeps
from gateway.health import Readiness
from gateway.http.answer_headers import answer_headers
from gateway.http.body import Bodies
from gateway.http.deadlines import Deadlines
from gateway.http.unpack import Unpacker
from gateway.idempotency import Idempotency
from gateway.ids import request_ids
from gateway.ingest import IngestDeps
from gateway.limits import Limits
from gateway.origins import check_origin
from gateway.publisher import Publisher
from gateway.query import QueryDeps, Reader, query_routes
from gateway.rejections import Unavailable
from gateway.revocations import Revocations
from shared import registry
from shared.clients.postgres import Postgres, PostgresUnavailable
from shared.clients.redis import Redis
from shared.clock import clock
from shared.keys import ResolvedKey, find_key
from shared.metrics import Metrics
from shared.projects import find_drain_verify
from shared.queue import open_queue
from shared.settings import BadSetting, Settings

ROLES = {"ingest", "query"}


def assemble(config: Settings) -> Deps:
    """The gateway's parts. Nothing is connected yet; what is away is looked for when the process runs."""
    roles = {role.strip() for role in config.gateway.roles.split(",")}
    if unknown := roles - ROLES:
        raise BadSetting(f"SLUICE_GATEWAY_ROLES names {', '.join(sorted(unknown))}; there are ingest and query")
    metrics = Metrics()
    queue = open_queue(config)
    producer = queue.producer()
    postgres = Postgres(config.services.postgres_url)
    redis = Redis(config.services.redis_url)
    keys = KeyCache(_lookup(postgres), fresh_s=config.gateway.key_fresh_s, stale_s=config.gateway.key_stale_s)
    bodies = Bodies(
        max_bytes=config.gateway.max_body_bytes,
        unpacker=Unpacker(config.gateway.max_unpacked_bytes, config.gateway.max_unpack_ratio),
        deadlines=Deadlines(config.gateway.body_timeout_s),
    )
    revocations = Revocations(redis, keys)
    limits = Limits(redis, metrics, ingest=config.gateway.ingest_limit, read=config.gateway.read_limit)
    reader = Reader(config.clickhouse_read_url, timeout_s=config.query.timeout_s, connections=config.query.connections)
    checks = {"queue": queue.ping, "clickhouse": reader.ping, "redis": redis.ping, "postgres": postgres.ping}

    def required() -> frozenset[str]:
        return frozenset({"queue", "postgres"} if keys.is_empty else {"queue"})

    return Deps(
        readiness=Readiness(checks, required),
        ingest=IngestDeps(
            registry=registry.load(config.services.extensions, config.topics.prefix),
            apis=apis.load(config.services.extensions),
            keys=keys,
            limits=limits,
            publisher=Publisher(producer, metrics),
            metrics=metrics,
            bodies=bodies,
            idempotency=Idempotency(redis, metrics),
            request_ids=request_ids(),
            clock=clock(config.services.clock_offset_s),
        ),
        drain=DrainDeps(VerifyCodes(_code_of(postgres)), config.services.vercel_verify),
        takes_in="ingest" in roles,
        query_routes=query_routes(QueryDeps(reader, _authenticate(keys, limits), metrics)) if "query" in roles else (),
        start=(producer.start, revocations.start, limits.start),
        stop=(
            bodies.close,
            producer.stop,
            queue.close,
            revocations.close,
            limits.close,
            postgres.close,
            redis.close,
            reader.close,
        ),
    )


def _authenticate(keys: KeyCache, limits: Limits) -> Callable[[Request], Awaitable[ResolvedKey]]:
    async def authenticate(request: Request) -> ResolvedKey:
        given = dict(request.scope["headers"])
        key = await keys.resolve(key_of(given.items()))
        await limits.read.admit(key, answer_headers(request.scope))
        permit(key, "read")
        check_origin(key.origins, given)
        return key

    return authenticate


def _lookup(postgres: Postgres) -> Callable[[str], Awaitable[ResolvedKey | None]]:
    async def lookup(digest: str) -> ResolvedKey | None:
        try:
            return await find_key(postgres, digest)
        except PostgresUnavailable as error:
            raise LookupFailed(str(error)) from error

    return lookup


def _code_of(postgres: Postgres) -> CodeOf:
    async def code_of(project_id: str) -> str | None:
        try:
            return await find_drain_verify(postgres, project_id)
        except PostgresUnavailable as error:
            raise Unavailable from error

    return code_of
