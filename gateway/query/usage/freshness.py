"""How long a project's records took from their arrival to the table (reading.md, "Usage")."""

from typing import LiteralString

import msgspec

from gateway.query.shape import Time
from gateway.query.times import format_time
from gateway.query.usage.query import UsageQuery
from shared.ages import age_s
from shared.clients.postgres import Postgres

_AGES: LiteralString = """
WITH counted AS (
    SELECT (floor(extract(epoch FROM hour) / %(width)s) * %(width)s)::bigint AS bucket, signal, what::int AS age, n
    FROM hourly_counts
    WHERE project_id = %(project_id)s AND hour BETWEEN to_timestamp(%(start)s) AND to_timestamp(%(end)s)
        AND kind = 'age'
), summed AS (
    SELECT bucket, signal, age, sum(n) AS n FROM counted GROUP BY GROUPING SETS ((bucket, signal, age), (signal, age))
), ranked AS (
    SELECT bucket, signal, age, sum(n) OVER (PARTITION BY bucket, signal ORDER BY age) AS up_to,
        sum(n) OVER (PARTITION BY bucket, signal) AS total
    FROM summed
)
SELECT bucket, signal, max(total)::bigint, min(age) FILTER (WHERE up_to >= total * 0.5),
    min(age) FILTER (WHERE up_to >= total * 0.99)
FROM ranked GROUP BY bucket, signal ORDER BY bucket NULLS FIRST, signal
"""
"""Without a bucket: of the whole range."""


class Fresh(msgspec.Struct, frozen=True):
    """So many messages, requests as a rule, were stored; half of them within `p50_s`, 99 % within `p99_s`, seconds."""

    signal: str
    messages: int
    p50_s: float
    p99_s: float


class FreshBucket(Fresh, frozen=True):
    """`time`: the bucket's first moment."""

    time: Time


class Freshness(msgspec.Struct, frozen=True):
    """`buckets`: those in which something arrived that is stored by now."""

    signals: list[Fresh]
    buckets: list[FreshBucket]


async def find_freshness(postgres: Postgres, project_id: str, query: UsageQuery) -> Freshness:
    """Raises `PostgresUnavailable`."""
    found = Freshness([], [])
    for second, signal, messages, p50, p99 in await postgres.query(_AGES, query.bounds(project_id)):
        ages = age_s(p50), age_s(p99)
        if second is None:
            found.signals.append(Fresh(signal, messages, *ages))
        else:
            found.buckets.append(FreshBucket(signal, messages, *ages, format_time(second * 1_000_000)))
    return found
