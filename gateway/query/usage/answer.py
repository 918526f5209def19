"""Everything about a project's usage in one answer: what is stored, what was counted, what it may send (reading.md,
"Usage")."""

from typing import NamedTuple

import msgspec
import structlog

from gateway.query.counting import Counting
from gateway.query.deps import QueryDeps
from gateway.query.question import Question
from gateway.query.reader import Reader
from gateway.query.together import together
from gateway.query.usage.counted import Counted, find_counted
from gateway.query.usage.freshness import Freshness, find_freshness
from gateway.query.usage.limits import Limits, find_limits
from gateway.query.usage.query import UsageQuery, parse_usage
from gateway.query.usage.records import UsageBucket, find_usage
from shared.clients.postgres import PostgresUnavailable
from shared.projects import UnknownProject

_AWAY = "Postgres can't be asked"

_log = structlog.get_logger(__name__)


class Counts(NamedTuple):
    """All None, or none; then `reason` says why."""

    counted: Counted | None = None
    freshness: Freshness | None = None
    limits: Limits | None = None
    reason: str | None = None


class UsageAnswer(msgspec.Struct, frozen=True):
    """`total`, and `records` of each bucket: signal -> records that are stored; every bucket of the range is there.
    `counted`: by the gateways, `freshness`: by the writers, as they went along; both are null, as `limits`, while
    Postgres can't be asked, and then `reason` says so. Bytes are not told: no table knows how many of them are a
    project's."""

    total: dict[str, int]
    buckets: list[UsageBucket]
    counted: Counted | None
    freshness: Freshness | None
    limits: Limits | None
    reason: str | None


async def find_counts(counting: Counting | None, project_id: str, query: UsageQuery) -> Counts:
    """Never raises: what can't be asked for is None."""
    if counting is None:
        return Counts(reason="this process does not ask Postgres")
    try:
        counted, freshness, limits = await together(
            find_counted(counting.postgres, project_id, query),
            find_freshness(counting.postgres, project_id, query),
            find_limits(counting, project_id),
        )
    except (PostgresUnavailable, UnknownProject) as error:
        _log.warning("counts and limits can't be asked for", error=str(error))
        return Counts(reason=_AWAY)
    return Counts(counted, freshness, limits)


def usage_question(deps: QueryDeps) -> Question[UsageQuery]:
    async def find(reader: Reader, project_id: str, query: UsageQuery) -> UsageAnswer:
        usage, counts = await together(
            find_usage(deps.stores, reader, project_id, query), find_counts(deps.counting, project_id, query)
        )
        return UsageAnswer(usage.total, usage.buckets, *counts)

    return Question(
        "/usage",
        "What the project has sent: accepted, stored, refused, how fresh, and its limits",
        parse_usage,
        find,
        UsageAnswer,
        {"bucket": "By hour or by day, in UTC. The range grows to whole ones."},
    )
