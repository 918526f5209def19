"""Builds the parts of a gateway process, once, from its settings.

A process has the role ingest, query, or both; it gets the parts of its roles and no others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Literal, Protocol

import structlog
from starlette.requests import Request

from gateway.apis import Apis
from gateway.apis import load as load_apis
from gateway.app import Deps, Life
from gateway.auth import KeyCache, Lookup, LookupFailed, permit
from gateway.carried import key_of
from gateway.changes import Changes
from gateway.drains.handshake import VerifyCodes
from gateway.drains.route import DrainDeps
from gateway.health import Check, Readiness, TakesMessages
from gateway.http.answer import Headers
from gateway.http.answer_headers import answer_headers
from gateway.http.body import Bodies
from gateway.http.deadlines import Deadlines
from gateway.http.headers import HEADERS
from gateway.http.ids import request_ids
from gateway.http.memory import Tidy
from gateway.http.unpack import Unpacker
from gateway.idempotency import Idempotency
from gateway.ingest import IngestDeps
from gateway.limits import Limits
from gateway.lookups import Lookups
from gateway.mapping.mapper import StoredMapper
from gateway.openapi import Described
from gateway.origins import check_origin
from gateway.overflow import Overflow
from gateway.overflow.shares import Shares
from gateway.overflow.topics import LOOK_EVERY_S, OverflowTopics
from gateway.publisher import Publisher
from gateway.query import Groups, QueryDeps, Reader, query_routes
from gateway.query.alerting import AlertDeps
from gateway.query.alerts.rounds import AlertRounds
from gateway.query.audit.pruning import Pruning
from gateway.query.complete import Completeness
from gateway.query.counting import Counting
from gateway.query.json_body import small_bodies
from gateway.query.observing.delivery import Delivery
from gateway.query.people import Attempts, People, Sessions
from gateway.query.people.sign_on.sign_on import sign_on_of
from gateway.query.sending import Sender
from gateway.query.sending.address import Allowed
from gateway.query.settings import SettingsDeps, UsualLimits
from gateway.query.tails import Tails
from gateway.query.triage.rounds import Rounds
from gateway.query.triage.watch import Sources
from gateway.sourcemaps.routes import SourcemapDeps
from gateway.sourcemaps.routes import routes as sourcemap_routes
from gateway.sourcemaps.sorter import Sorter
from gateway.sourcemaps.upload import UploadLimits, Uploads
from gateway.validation.aside import Aside
from shared.alerts.deliveries import Deliveries
from shared.alerts.rules import Rules
from shared.audit_log import AuditLog
from shared.clients.postgres import Postgres, PostgresUnavailable
from shared.clients.redis import Redis
from shared.clock import clock
from shared.error_states import States
from shared.group_merges import MERGES
from shared.hourly_counts import HourlyCounts
from shared.keys import REVOCATIONS, ResolvedKey, Scope, check_keys, find_keys
from shared.lateness import Lateness
from shared.metrics import Metrics
from shared.project_drain import ProjectDrain
from shared.project_keys import ProjectKeys
from shared.projects import find_drain_verify
from shared.queue import open_queue
from shared.queue.base import Queue
from shared.queue.topic_check import TopicCheck
from shared.queue.watch import Watch, fullness
from shared.queue.writer_groups import WriterGroups
from shared.registry import Registry
from shared.registry import load as load_registry
from shared.settings import BadSetting, Settings
from shared.sourcemaps.blobs import open_blobs
from shared.sourcemaps.index import Index
from shared.sourcemaps.store import Store
from shared.tracing import Tracer, tracer_of
from shared.views import Views

_log = structlog.get_logger(__name__)

ROLES = {"ingest", "query"}
DERIVED = frozenset({"errors", "llm"})
"""Signals whose records may follow from others."""

NEIGHBOURS = ("queue", "clickhouse", "redis", "postgres")
"""In the order in which `/health/ready` lists them."""


def assemble(config: Settings) -> Deps:
    """The gateway's parts. Nothing is connected yet; a service that is away is retried while the process runs."""
    roles = {role.strip() for role in config.gateway.roles.split(",")}
    if unknown := roles - ROLES:
        raise BadSetting(f"SLUICE_GATEWAY_ROLES names {', '.join(sorted(unknown))}; the roles are ingest and query")
    common = _common(config)
    ingest = _ingest(common) if "ingest" in roles else None
    reading = _judging(common, _reading(common)) if "query" in roles else None
    vital = "queue" if ingest else "clickhouse"

    def required() -> frozenset[str]:
        # While no key is cached, nobody gets in without Postgres.
        return frozenset({vital, "postgres"} if common.keys.is_empty else {vital})

    return Deps(
        metrics=common.metrics,
        apis=common.apis,
        request_ids=common.request_ids,
        readiness=Readiness({name: common.checks[name] for name in NEIGHBOURS if name in common.checks}, required),
        ingest=ingest,
        drain=DrainDeps(VerifyCodes(partial(find_drain_verify, common.postgres)), config.services.vercel_verify),
        sourcemap_routes=_sourcemaps(common, ingest) if ingest else (),
        query_routes=query_routes(reading) if reading else (),
        life=_life(common),
        has_admin_port=config.gateway.admin_port is not None,
        tracer=common.tracer,
    )


@dataclass(frozen=True)
class _Common:
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


def _common(config: Settings) -> _Common:
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
    return _Common(
        config=config,
        metrics=metrics,
        registry=_registry(config),
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


def _registry(config: Settings) -> Registry:
    signals = {name.strip() for name in config.gateway.otlp_derived.split(",")} - {""}
    if unknown := signals - DERIVED:
        named = ", ".join(sorted(unknown))
        raise BadSetting(f"SLUICE_GATEWAY_OTLP_DERIVED names {named}; what can be derived is errors and llm")
    return load_registry(config.services.extensions, config.topics.prefix).deriving(signals)


def _ingest(common: _Common) -> IngestDeps:
    """The parts of the role ingest: the queue and its producer, bodies, idempotency."""
    config, metrics, known, queue = common.config, common.metrics, common.registry, common.queue
    topics = [signal.topic for signal in known.signals.values()]
    all_topics = [signal.topic for signal in known.with_overflow]
    producer, check = queue.producer(), TopicCheck(queue, all_topics, strict=config.topics.strict)
    watch, check_again = Watch(fullness(queue, metrics)), Watch(check.look)
    metrics.in_flight_bytes.set_function(lambda: producer.in_flight_bytes)
    bodies = Bodies(
        max_bytes=config.gateway.max_body_bytes,
        max_held=config.gateway.held_bytes,
        unpacker=Unpacker(config.gateway.max_unpacked_bytes, config.gateway.max_unpack_ratio),
        deadlines=Deadlines(config.gateway.body_timeout_s),
    )
    aside = Aside(
        known,
        config.services.extensions,
        waiting_bytes=config.gateway.checked_bytes,
        within_s=config.gateway.check_timeout_s,
    )
    now = clock(config.services.clock_offset_s)
    publisher = Publisher(producer, known, metrics, common.tracer, _overflow(common))
    counts = HourlyCounts(common.postgres, now)
    common.checks["queue"] = TakesMessages(queue, topics, publisher)
    common.life.check.append(check.at_start)
    common.life.start += (producer.start, watch.start, check_again.start, counts.start)
    common.life.stop += (bodies.close, aside.close, producer.stop, watch.close, check_again.close, counts.close)
    common.life.give_up.append(bodies.give_up)
    return IngestDeps(
        registry=known,
        apis=common.apis,
        keys=common.keys,
        limits=common.limits,
        publisher=publisher,
        metrics=metrics,
        bodies=bodies,
        aside=aside,
        idempotency=Idempotency(common.redis, metrics),
        request_ids=common.request_ids,
        clock=now,
        counts=counts,
        sentry_quiet=config.services.sentry_quiet,
    )


def _overflow(common: _Common) -> Overflow:
    shares = Shares(common.config.gateway.lane_records_s, common.limits.leases, common.metrics)
    topics = OverflowTopics(common.queue, _groups(common), common.registry)
    watch = Watch(topics.look, every_s=LOOK_EVERY_S)
    common.life.start.append(watch.start)
    common.life.stop.append(watch.close)
    return Overflow(shares, topics)


def _reading(common: _Common) -> QueryDeps:
    """The parts of the role query beside the reader, which health asks too: how errors are grouped, source maps, saved
    views, and the queue, which is only asked how far the writers are."""
    groups = Groups(common.postgres)
    changes = Changes(common.redis, MERGES, groups)
    mapper = StoredMapper(Index(common.postgres), open_blobs(common.config))
    bodies = small_bodies(Deadlines(common.config.gateway.body_timeout_s))
    complete, now = _completeness(common), clock(common.config.services.clock_offset_s)
    delivery = Delivery.of(common.queue, _groups(common), common.registry, now)
    states = States(common.postgres)
    sources = Sources(common.reader, groups, states, common.registry.stores["errors"], tuple(complete))
    asked = common.config.query
    audit_log = AuditLog(common.postgres)
    pruning = Pruning(audit_log, timedelta(days=asked.audit_days))
    rounds = Rounds(
        common.config.services.postgres_url, sources, lambda table: complete[table].now(), every_s=asked.rounds_s
    )
    tails = Tails(asked.tails, asked.key_tails, polls=max(1, asked.connections // 2))
    common.metrics.tails.set_function(lambda: tails.open)
    common.life.start += (changes.start, rounds.start, pruning.start)
    common.life.stop += (pruning.close, rounds.close, changes.close, mapper.close, bodies.close, delivery.close)
    common.life.stop += [each.close for each in complete.values()]
    common.life.give_up += (bodies.give_up, tails.give_up)
    return QueryDeps(
        reader=common.reader,
        authenticate=_authenticate(common, "read"),
        metrics=common.metrics,
        groups=groups,
        mapper=mapper,
        stores=common.registry.stores,
        states=states,
        views=Views(common.postgres),
        audit=audit_log,
        bodies=bodies,
        delivery=delivery,
        counting=Counting(
            common.postgres, common.redis, UsualLimits.of(common.config.gateway), common.registry.stored_as
        ),
        complete=lambda table: complete[table].now(),
        search_index=common.config.search.index,
        tails=tails,
        people=_people(common),
        settings=_settings(common),
        alerts=_alerts(common),
    )


def _judging(common: _Common, deps: QueryDeps) -> QueryDeps:
    """The same, and it judges alerts."""
    config = common.config.services
    rounds = AlertRounds(config.postgres_url, deps, clock(config.clock_offset_s))
    common.life.start.append(rounds.start)
    common.life.stop.insert(0, rounds.close)
    return deps


def _alerts(common: _Common) -> AlertDeps:
    mine = common.config.alerts
    sender = Sender(Allowed(http=mine.http, private=mine.private), timeout_s=mine.timeout_s)
    common.life.stop.append(sender.close)
    return AlertDeps(Rules(common.postgres), Deliveries(common.postgres), sender, mine.public_url)


def _people(common: _Common) -> People:
    """Who may look at the pages. A session may ask for as many pages a minute as a key without a limit of its own."""

    async def count(whose: str, headers: Headers) -> None:
        await common.limits.read.admit(ResolvedKey(key_id=whose, project_id="", scopes=frozenset()), headers)

    sign_on = sign_on_of(common.config.oidc)
    if sign_on is not None:
        common.life.stop.append(sign_on.close)
    return People(Sessions(common.postgres), Attempts(common.redis), common.keys.resolve, count, sign_on)


def _settings(common: _Common) -> SettingsDeps:
    """What owners see and change of their project, beside its data."""
    return SettingsDeps(
        keys=ProjectKeys(common.postgres, partial(common.redis.publish, REVOCATIONS)),
        drain=ProjectDrain(common.postgres, partial(common.redis.publish, REVOCATIONS)),
        postgres=common.postgres,
        sourcemaps=Index(common.postgres),
        usual=UsualLimits.of(common.config.gateway),
    )


def _completeness(common: _Common) -> dict[str, Completeness]:
    """Table -> how far it is complete."""
    topics: dict[str, list[str]] = {}
    for signal in common.registry.with_overflow:
        topics.setdefault(signal.table.name, []).append(signal.topic)
    groups, now = _groups(common), clock(common.config.services.clock_offset_s)
    return {table: Completeness(common.queue, groups, of_table, now) for table, of_table in topics.items()}


def _groups(common: _Common) -> WriterGroups:
    return common.registry.groups(common.config.writer.group)


def _life(common: _Common) -> Life:
    """The life of all parts; the roles' own parts start first and stop first."""
    revocations, tidy = Changes(common.redis, REVOCATIONS, common.keys), Tidy()
    late = Lateness(common.metrics)
    common.life.start += (revocations.start, common.limits.start, tidy.start, late.start)
    common.life.stop += (
        late.close,
        tidy.close,
        revocations.close,
        common.queue.close,
        common.limits.close,
        common.postgres.close,
        common.redis.close,
        common.reader.close,
    )
    return common.life


def _sourcemaps(common: _Common, ingest: IngestDeps) -> list[Described]:
    """The routes of source maps, which come with the role ingest."""
    mine, config = common.config.sourcemaps, common.config.gateway
    store = Store(open_blobs(common.config), Index(common.postgres), mine.project_bytes)
    sorter = Sorter(max_bytes=mine.max_body_bytes, within_s=config.check_timeout_s)
    limits = UploadLimits(mine.max_body_bytes, config.max_unpack_ratio)
    uploads = Uploads(store, sorter, ingest.bodies.deadlines, common.metrics, limits)
    return sourcemap_routes(SourcemapDeps(uploads, store, _authenticate(common, "ingest"), common.metrics))


class _Authenticate(Protocol):
    async def __call__(self, request: Request, scope: Scope = ...) -> ResolvedKey: ...


def _authenticate(common: _Common, kind: Literal["ingest", "read"]) -> _Authenticate:
    """The key of a request of this kind; the kind is also the scope that it needs, unless another one is named."""
    limiter = common.limits.of(kind)

    async def authenticate(request: Request, scope: Scope = kind) -> ResolvedKey:
        given: dict[bytes, bytes] = request.scope[HEADERS]
        key = await common.keys.resolve(key_of(given))
        await limiter.admit(key, answer_headers(request.scope))
        permit(key, scope)
        check_origin(key.origins, given)
        return key

    return authenticate


def lookup_in(postgres: Postgres, metrics: Metrics) -> Lookup:
    def unreadable(what: Literal["key", "rules"], whose: str, error: Exception) -> None:
        metrics.unreadable.labels(what).inc()
        if what == "key":
            _log.error("a key's row can't be read: no such key", hash=whose[:8], error=str(error))
        else:
            _log.error("grouping rules can't be read: the project has none", project_id=whose, error=str(error))

    lookups = Lookups(lambda digests: find_keys(postgres, digests, unreadable))

    async def lookup(digest: str) -> ResolvedKey | None:
        try:
            return await lookups.find(digest)
        except PostgresUnavailable as error:
            raise LookupFailed(str(error)) from error

    return lookup
