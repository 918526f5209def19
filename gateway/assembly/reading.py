"""The parts of the role query."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from gateway.assembly.common import Common
from gateway.assembly.keys import authenticate_as
from gateway.changes import Changes
from gateway.http.answer import Headers
from gateway.http.deadlines import Deadlines
from gateway.mapping.mapper import StoredMapper
from gateway.query import Groups, QueryDeps
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
from gateway.query.spooled import NONE as NO_SPOOLS
from gateway.query.spooled import KnownSpools, Spooled
from gateway.query.tails import Tails
from gateway.query.triage.rounds import Rounds
from gateway.query.triage.watch import Sources
from shared.alerts.deliveries import Deliveries
from shared.alerts.rules import Rules
from shared.audit_log import AuditLog
from shared.clock import Clock, clock
from shared.error_states import States
from shared.group_merges import MERGES
from shared.keys import REVOCATIONS, ResolvedKey
from shared.metrics import known_spool_age
from shared.project_drain import ProjectDrain
from shared.project_keys import ProjectKeys
from shared.queue import is_kafka
from shared.sourcemaps.blobs import open_blobs
from shared.sourcemaps.index import Index
from shared.spools import Spools
from shared.views import Views


def reading_parts(common: Common) -> QueryDeps:
    """The parts of the role query beside the reader, which health asks too: how errors are grouped, source maps, saved
    views, and the queue, which is only asked how far the writers are."""
    groups = Groups(common.postgres)
    changes = Changes(common.redis, MERGES, groups)
    mapper = StoredMapper(Index(common.postgres), open_blobs(common.config))
    bodies = small_bodies(Deadlines(common.config.gateway.body_timeout_s))
    complete, now = _completeness(common), clock(common.config.services.clock_offset_s)
    delivery = Delivery.of(common.queue, common.groups, common.registry, now)
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
        authenticate=authenticate_as("read", common.keys, common.limits),
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


def judging(common: Common, deps: QueryDeps) -> QueryDeps:
    """The same, and it judges alerts."""
    config = common.config.services
    rounds = AlertRounds(config.postgres_url, deps, clock(config.clock_offset_s))
    common.life.start.append(rounds.start)
    common.life.stop.insert(0, rounds.close)
    return deps


def _alerts(common: Common) -> AlertDeps:
    mine = common.config.alerts
    sender = Sender(Allowed(http=mine.http, private=mine.private), timeout_s=mine.timeout_s)
    common.life.stop.append(sender.close)
    return AlertDeps(Rules(common.postgres), Deliveries(common.postgres), sender, mine.public_url)


def _people(common: Common) -> People:
    """Who may look at the pages. A session may ask for as many pages a minute as a key without a limit of its own."""

    async def count(whose: str, headers: Headers) -> None:
        await common.limits.read.admit(ResolvedKey(key_id=whose, project_id="", scopes=frozenset()), headers)

    sign_on = sign_on_of(common.config.oidc)
    if sign_on is not None:
        common.life.stop.append(sign_on.close)
    return People(Sessions(common.postgres), Attempts(common.redis), common.keys.resolve, count, sign_on)


def _settings(common: Common) -> SettingsDeps:
    """What owners see and change of their project, beside its data."""
    return SettingsDeps(
        keys=ProjectKeys(common.postgres, partial(common.redis.publish, REVOCATIONS)),
        drain=ProjectDrain(common.postgres, partial(common.redis.publish, REVOCATIONS)),
        postgres=common.postgres,
        sourcemaps=Index(common.postgres),
        usual=UsualLimits.of(common.config.gateway),
    )


def _completeness(common: Common) -> dict[str, Completeness]:
    """Table -> how far it is complete."""
    topics: dict[str, list[str]] = {}
    for signal in common.registry.with_overflow:
        topics.setdefault(signal.table.name, []).append(signal.topic)
    groups, now = common.groups, clock(common.config.services.clock_offset_s)
    spooled = _spooled(common, now) if is_kafka(common.config) else lambda: NO_SPOOLS
    return {table: Completeness(common.queue, groups, of_table, now, spooled) for table, of_table in topics.items()}


def _spooled(common: Common, now: Clock) -> Callable[[], Spooled]:
    """What waits in spools of gateways, kept up to date."""
    known = KnownSpools(Spools(common.postgres), now)
    known_spool_age(common.metrics.registry, lambda: known.age_s)
    common.life.start.append(known.start)
    common.life.stop.append(known.close)
    return known.now
