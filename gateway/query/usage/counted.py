"""What gateways have counted of a project: what they accepted, dropped and refused (reading.md, "Usage")."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, LiteralString

import msgspec

from gateway.query.shape import Time
from gateway.query.times import format_time
from gateway.query.usage.query import UsageQuery
from shared.clients.postgres import Postgres

_COUNTS: LiteralString = """
SELECT (floor(extract(epoch FROM hour) / %(width)s) * %(width)s)::bigint AS bucket, signal, kind, what, sum(n)::bigint
FROM hourly_counts
WHERE project_id = %(project_id)s AND hour BETWEEN to_timestamp(%(start)s) AND to_timestamp(%(end)s) AND kind <> 'age'
GROUP BY bucket, signal, kind, what
ORDER BY bucket, signal, kind, what
"""
_SINCE: LiteralString = "SELECT min(hour) FROM hourly_counts WHERE project_id = %s"


class Dropped(msgspec.Struct, frozen=True):
    """Records that were left out of requests that were accepted."""

    signal: str
    reason: str
    records: int


class Refused(msgspec.Struct, frozen=True):
    """Requests of which nothing was accepted. `signal`: of their route."""

    signal: str
    reason: str
    requests: int


class CountedBucket(msgspec.Struct, frozen=True):
    """`accepted`, `derived`: signal -> records. `dropped`: reason -> records, `refused`: reason -> requests; each of
    all signals. `time`: its first moment."""

    time: Time
    accepted: dict[str, int]
    derived: dict[str, int]
    dropped: dict[str, int]
    refused: dict[str, int]


class Counted(msgspec.Struct, frozen=True):
    """`since`: the first hour of which anything is known; null for none. `accepted`: signal -> records that were
    answered with 2xx and were new. `derived`: signal -> records that followed from those. `buckets`: those with
    counts."""

    since: Time | None
    accepted: dict[str, int]
    derived: dict[str, int]
    dropped: list[Dropped]
    refused: list[Refused]
    buckets: list[CountedBucket]


class _Tally:
    """Counts of one bucket, or of all."""

    def __init__(self) -> None:
        self.by_signal: dict[str, Counter[str]] = {"accepted": Counter(), "derived": Counter()}
        self.by_reason: dict[str, Counter[tuple[str, str]]] = {"dropped": Counter(), "refused": Counter()}

    def add(self, signal: str, kind: str, what: str, n: int) -> None:
        if kind in self.by_signal:
            self.by_signal[kind][signal] += n
        elif kind in self.by_reason:
            self.by_reason[kind][signal, what] += n

    def reasons(self, kind: str) -> dict[str, int]:
        """Of all signals."""
        found: Counter[str] = Counter()
        for (_, reason), n in self.by_reason[kind].items():
            found[reason] += n
        return dict(found)


async def find_counted(postgres: Postgres, project_id: str, query: UsageQuery) -> Counted:
    """Raises `PostgresUnavailable`."""
    rows = await postgres.query(_COUNTS, query.bounds(project_id))
    [(since,)] = await postgres.query(_SINCE, [project_id])
    return _counted(rows, since)


def _counted(rows: Iterable[tuple[Any, ...]], since: datetime | None) -> Counted:
    whole, buckets = _Tally(), dict[int, _Tally]()
    for bucket, signal, kind, what, n in rows:
        for tally in (whole, buckets.setdefault(bucket, _Tally())):
            tally.add(signal, kind, what, n)
    return Counted(
        since=None if since is None else format_time(int(since.timestamp()) * 1_000_000),
        accepted=dict(whole.by_signal["accepted"]),
        derived=dict(whole.by_signal["derived"]),
        dropped=[Dropped(*what, n) for what, n in sorted(whole.by_reason["dropped"].items())],
        refused=[Refused(*what, n) for what, n in sorted(whole.by_reason["refused"].items())],
        buckets=[_bucket(second, tally) for second, tally in buckets.items()],
    )


def _bucket(second: int, tally: _Tally) -> CountedBucket:
    return CountedBucket(
        time=format_time(second * 1_000_000),
        accepted=dict(tally.by_signal["accepted"]),
        derived=dict(tally.by_signal["derived"]),
        dropped=tally.reasons("dropped"),
        refused=tally.reasons("refused"),
    )
