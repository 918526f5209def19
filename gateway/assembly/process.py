"""A process with its roles."""

from functools import partial

from gateway.app import Deps, Life
from gateway.assembly.common import Common, common_of
from gateway.assembly.reading import judging, reading_parts
from gateway.assembly.spooling import spooling_producer
from gateway.assembly.taking import ingest_parts, sourcemap_parts
from gateway.changes import Changes
from gateway.drains.handshake import VerifyCodes
from gateway.drains.route import DrainDeps
from gateway.health import Readiness
from gateway.http.memory import Tidy
from gateway.query import query_routes
from shared.keys import REVOCATIONS
from shared.lateness import Lateness
from shared.projects import find_drain_verify
from shared.settings import BadSetting, Settings

ROLES = {"ingest", "query"}

NEIGHBOURS = ("queue", "spool", "clickhouse", "redis", "postgres")
"""In the order in which `/health/ready` lists them."""


def assemble(config: Settings) -> Deps:
    """The gateway's parts. Nothing is connected yet; a service that is away is retried while the process runs."""
    roles = {role.strip() for role in config.gateway.roles.split(",")}
    if unknown := roles - ROLES:
        raise BadSetting(f"SLUICE_GATEWAY_ROLES names {', '.join(sorted(unknown))}; the roles are ingest and query")
    common = common_of(config)
    ingest = ingest_parts(common, spooling_producer(common)) if "ingest" in roles else None
    reading = judging(common, reading_parts(common)) if "query" in roles else None
    vital = frozenset({"queue", "spool"} & common.checks.keys() if ingest else {"clickhouse"})

    def required() -> list[frozenset[str]]:
        # While no key is cached, nobody gets in without Postgres.
        return [vital, frozenset({"postgres"})] if common.keys.is_empty else [vital]

    return Deps(
        metrics=common.metrics,
        apis=common.apis,
        request_ids=common.request_ids,
        readiness=Readiness({name: common.checks[name] for name in NEIGHBOURS if name in common.checks}, required),
        ingest=ingest,
        drain=DrainDeps(VerifyCodes(partial(find_drain_verify, common.postgres)), config.services.vercel_verify),
        sourcemap_routes=sourcemap_parts(common, ingest) if ingest else (),
        query_routes=query_routes(reading) if reading else (),
        life=life_of(common),
        has_admin_port=config.gateway.admin_port is not None,
        tracer=common.tracer,
    )


def life_of(common: Common) -> Life:
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
