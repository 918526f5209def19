"""What both roles need."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from gateway.apis import Apis
from gateway.apis import load as load_apis
from gateway.app import Life
from gateway.assembly.keys import lookup_in
from gateway.auth import KeyCache
from gateway.health import Check
from gateway.http.ids import request_ids
from gateway.limits import Limits
from gateway.query import Reader
from shared.clients.postgres import Postgres
from shared.clients.redis import Redis
from shared.keys import check_keys
from shared.metrics import Metrics
from shared.queue import open_queue
from shared.queue.base import Queue
from shared.queue.writer_groups import WriterGroups
from shared.registry import Registry
from shared.registry import load as load_registry
from shared.settings import BadSetting, Settings
from shared.tracing import Tracer, tracer_of

DERIVED = frozenset({"errors", "llm"})
"""Signals whose records may follow from others."""


@dataclass(frozen=True)
class Common:
    """What both roles need."""

    config: Settings
    metrics: Metrics
    registry: Registry
    apis: Apis
    request_ids: Iterator[bytes]
    postgres: Postgres
    redis: Redis
    keys: KeyCache
    limits: Limits
    reader: Reader
    queue: Queue
    checks: dict[str, Check]
    """Neighbour -> the check that it is there."""
    life: Life
    """What the roles start and stop before the rest."""
    tracer: Tracer | None

    @property
    def groups(self) -> WriterGroups:
        return self.registry.groups(self.config.writer.group)


def common_of(config: Settings) -> Common:
    metrics, mine = Metrics(), config.gateway
    postgres, redis = Postgres(config.services.postgres_url), Redis(config.services.redis_url)
    # Of their own: whoever waits for the others would make a neighbour look away that is only busy.
    asked_postgres = Postgres(config.services.postgres_url, connections=1)
    asked_redis = Redis(config.services.redis_url, connections=1)
    reader = Reader(
        config.clickhouse_read_url,
        timeout_s=config.query.timeout_s,
        connections=config.query.connections,
        partial_over=config.storage.cluster if config.query.partial else "",
    )
    return Common(
        config=config,
        metrics=metrics,
        registry=registry_of(config),
        apis=load_apis(config.services.extensions),
        request_ids=request_ids(),
        postgres=postgres,
        redis=redis,
        keys=KeyCache(lookup_in(postgres, metrics), fresh_s=mine.key_fresh_s, stale_s=mine.key_stale_s),
        limits=Limits(
            redis, metrics, ingest=mine.ingest_limit, read=mine.read_limit, drain_records=mine.drain_record_limit
        ),
        reader=reader,
        queue=open_queue(config),
        checks={
            "clickhouse": reader.ping,
            "redis": asked_redis.ping,
            "postgres": partial(check_keys, asked_postgres),
        },
        life=Life(stop=[asked_redis.close, asked_postgres.close]),
        tracer=tracer_of(config, "gateway"),
    )


def registry_of(config: Settings) -> Registry:
    signals = {name.strip() for name in config.gateway.otlp_derived.split(",")} - {""}
    if unknown := signals - DERIVED:
        named = ", ".join(sorted(unknown))
        raise BadSetting(f"SLUICE_GATEWAY_OTLP_DERIVED names {named}; what can be derived is errors and llm")
    return load_registry(config.services.extensions, config.topics.prefix).deriving(signals)
