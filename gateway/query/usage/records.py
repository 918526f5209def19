"""How many records of each signal a project has sent, by the time they arrived (reading.md, "Usage")."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from gateway.query.buckets import Width
from gateway.query.language import Condition
from gateway.query.range import Range
from gateway.query.reader import Reader
from gateway.query.shape import Time
from gateway.query.source import Source
from gateway.query.times import format_time
from gateway.query.usage.query import UsageQuery

_S = 1_000_000
_HOUR = "toUnixTimestamp(toStartOfHour(received_at))"
"""Seconds since the epoch."""


class Usage(msgspec.Struct, frozen=True):
    """`total`, `records`: signal -> records. Every bucket of the range is there, also empty ones. Bytes are not told:
    no table knows how many of them are a project's."""

    total: dict[str, int]
    buckets: list["UsageBucket"]


class UsageBucket(msgspec.Struct, frozen=True):
    """`time`: its first moment."""

    time: Time
    records: dict[str, int]


async def find_usage(stores: Mapping[str, str], reader: Reader, project_id: str, query: UsageQuery) -> Usage:
    """`stores`: signal -> name of its table. Raises `Unavailable`."""
    found = query.buckets
    for signal, table in stores.items():
        source = arrived(reader.database, table, project_id, query.asked.range)
        for bucket, count in await source.rows(reader, counted_by(query.width), "GROUP BY bucket"):
            found[bucket * query.width.us][signal] = count
    buckets = [UsageBucket(format_time(bucket), dict(records)) for bucket, records in found.items()]
    return Usage(dict(sum((records for records in found.values()), Counter())), buckets)


def counted_by(width: Width) -> str:
    return f"intDiv({_HOUR}, {width.us // _S}) AS bucket, count()"


def arrived(database: str, table: str, project_id: str, range: Range) -> Source:
    """The rows that arrived in a range of whole hours, in terms of the rollup by hour."""
    start, end = (min(max(moment // _S, 0), 2**32 - 1) for moment in range)
    bounds = Condition(f"{_HOUR} >= %(start)s AND {_HOUR} <= %(end)s", {"start": start, "end": end})
    return Source.of(database, table, project_id, [bounds])
