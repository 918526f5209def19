"""What a project may send, and what it has used of it in this minute (reading.md, "Usage")."""

from collections.abc import Sequence
from typing import LiteralString

import msgspec

from gateway.leases import used_of
from gateway.query.counting import Counting
from shared.clients.redis import Redis, RedisUnavailable
from shared.projects import find_project

_KEYS: LiteralString = (
    "SELECT id, ingest_limit FROM keys WHERE project_id = %s AND revoked_at IS NULL AND 'ingest' = ANY(scopes)"
    " AND (expires_at IS NULL OR expires_at > now()) ORDER BY created_at, id LIMIT 500"
)


class KeyLimit(msgspec.Struct, frozen=True):
    """Of a key that may send: requests a minute, 0 for no limit. `this_minute`: those of the minute under way, at most
    2 % of the limit too high; null without a limit, and while Redis can't be asked."""

    key_id: str
    requests_a_minute: int
    this_minute: int | None


class Limits(msgspec.Struct, frozen=True):
    """`drain_requests_a_minute`: of drains, of each key; `drain_records_a_minute`: their records. 0: no limit.
    `retention_days`: how long rows are kept."""

    retention_days: int
    drain_requests_a_minute: int
    drain_records_a_minute: int
    keys: list[KeyLimit]


async def find_limits(counting: Counting, project_id: str) -> Limits:
    """Raises `PostgresUnavailable`."""
    project = await find_project(counting.postgres, project_id)
    usual = counting.usual.ingest if project.rate_limit is None else project.rate_limit
    rows = await counting.postgres.query(_KEYS, [project_id])
    limits = {key_id: usual if own is None else own for key_id, own in rows}
    used = dict(zip(limits, await _used(counting.redis, list(limits)), strict=True))
    drain = project.rate_limit if project.drain_limit is None else project.drain_limit
    return Limits(
        project.retention_days,
        drain or 0,
        counting.usual.drain_records,
        [KeyLimit(key_id, limit, used[key_id] if limit else None) for key_id, limit in limits.items()],
    )


async def _used(redis: Redis, key_ids: Sequence[str]) -> Sequence[int | None]:
    try:
        return await used_of(redis, [f"ingest:{key_id}" for key_id in key_ids])
    except RedisUnavailable:
        return [None] * len(key_ids)
