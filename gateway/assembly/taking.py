"""The parts of the role ingest."""

from gateway.assembly.common import Common
from gateway.assembly.keys import authenticate_as
from gateway.health import TakesMessages
from gateway.http.body import Bodies
from gateway.http.deadlines import Deadlines
from gateway.http.unpack import Unpacker
from gateway.idempotency import Idempotency
from gateway.ingest import IngestDeps
from gateway.openapi import Described
from gateway.overflow import Overflow
from gateway.overflow.shares import Shares
from gateway.overflow.topics import LOOK_EVERY_S, OverflowTopics
from gateway.publisher import Publisher
from gateway.sourcemaps.routes import SourcemapDeps
from gateway.sourcemaps.routes import routes as sourcemap_routes
from gateway.sourcemaps.sorter import Sorter
from gateway.sourcemaps.upload import UploadLimits, Uploads
from gateway.validation.aside import Aside
from shared.clock import clock
from shared.hourly_counts import HourlyCounts
from shared.queue.base import Producer
from shared.queue.topic_check import TopicCheck
from shared.queue.watch import Watch, fullness
from shared.sourcemaps.blobs import open_blobs
from shared.sourcemaps.index import Index
from shared.sourcemaps.store import Store


def ingest_parts(common: Common, spooling: Producer | None) -> IngestDeps:
    """The parts of the role ingest: the queue and its producer, bodies, idempotency. `spooling`: in place of the
    queue's own producer."""
    config, metrics, known, queue = common.config, common.metrics, common.registry, common.queue
    topics = [signal.topic for signal in known.signals.values()]
    all_topics = [signal.topic for signal in known.with_overflow]
    producer = spooling or queue.producer()
    check = TopicCheck(queue, all_topics, strict=config.topics.strict)
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


def _overflow(common: Common) -> Overflow:
    shares = Shares(common.config.gateway.lane_records_s, common.limits.leases, common.metrics)
    topics = OverflowTopics(common.queue, common.groups, common.registry)
    watch = Watch(topics.look, every_s=LOOK_EVERY_S)
    common.life.start.append(watch.start)
    common.life.stop.append(watch.close)
    return Overflow(shares, topics)


def sourcemap_parts(common: Common, ingest: IngestDeps) -> list[Described]:
    """The routes of source maps, which come with the role ingest."""
    mine, config = common.config.sourcemaps, common.config.gateway
    store = Store(open_blobs(common.config), Index(common.postgres), mine.project_bytes)
    sorter = Sorter(max_bytes=mine.max_body_bytes, within_s=config.check_timeout_s)
    limits = UploadLimits(mine.max_body_bytes, config.max_unpack_ratio)
    uploads = Uploads(store, sorter, ingest.bodies.deadlines, common.metrics, limits)
    authenticate = authenticate_as("ingest", common.keys, common.limits)
    return sourcemap_routes(SourcemapDeps(uploads, store, authenticate, common.metrics))
