"""How many logs a range has, bucket by bucket (reading.md, "Volume")."""

import asyncio
from typing import Literal, get_args

import msgspec

from gateway.query.asked import Asked, parse_asked
from gateway.query.buckets import floored
from gateway.query.logs.counted import Count, Counted, count_logs
from gateway.query.logs.fields import LANGUAGE
from gateway.query.logs.plan import BUDGET, parse_budget
from gateway.query.parameters import Parameters
from gateway.query.question import Question
from gateway.query.range import Range
from gateway.query.reader import Reader
from gateway.query.shape import Time
from gateway.query.times import format_time

By = Literal["level", "service", "environment"]

_S = 1_000_000
_WIDTHS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Seconds of a bucket; beyond them whole days."""


class Volume(msgspec.Struct, frozen=True):
    """`bucket_s`: seconds of a bucket. Every bucket of the range is there, also empty ones. `total`: of all counts.
    They are of the logs from `searched_to` on, the range's start unless the budget was too small."""

    bucket_s: int
    buckets: list["Bucket"]
    total: int
    searched_to: Time


class Bucket(msgspec.Struct, frozen=True):
    """`time`: its first moment. `counts`: value of `by` -> logs; null where the bucket was not searched. That in which
    `searched_to` lies counts what is no older."""

    time: Time
    counts: dict[str, int] | None


class VolumeQuery(msgspec.Struct, frozen=True):
    asked: Asked
    buckets: int
    by: By
    budget: int

    @property
    def width(self) -> int:
        """Microseconds of a bucket."""
        return width_of(self.asked.range, self.buckets) * _S


def parse_volume(given: Parameters) -> VolumeQuery:
    """Raises `BadQuery`."""
    query = VolumeQuery(
        asked=parse_asked(given, LANGUAGE),
        buckets=given.integer("buckets", 96, least=60, most=120),
        by=given.choice("by", get_args(By), "level"),
        budget=parse_budget(given),
    )
    given.finish()
    return query


async def find_volume(reader: Reader, project_id: str, query: VolumeQuery, count: Count = count_logs) -> Volume:
    """Raises `TooBig`, `Unavailable`."""

    def keys(moment: str) -> tuple[str, str]:
        return floored(moment, query.width), f"`{query.by}`"

    counted = await count(reader, project_id, query.asked, keys, query.budget)
    return await asyncio.to_thread(_volume, query, counted)


def _volume(query: VolumeQuery, counted: Counted) -> Volume:
    (start, end), width, to = query.asked.range, query.width, counted.searched_to
    times = range(start - start % width, end + 1, width)
    counts: dict[int, dict[str, int]] = {time: {} for time in times if time + width > to}
    for (time, value), count in sorted(counted.counts.items()):
        counts[time][value] = count
    buckets = [Bucket(format_time(time), counts.get(time)) for time in times]
    return Volume(width // _S, buckets, counted.counts.total(), format_time(to))


def width_of(range: Range, buckets: int) -> int:
    """Seconds of a bucket of a range that is to have about so many."""
    for width in _WIDTHS:
        if range.seconds <= width * (buckets - 1):
            return width
    return -int(-range.seconds // (buckets - 1) // 86400) * 86400


VOLUME = Question(
    "/logs/volume",
    "How many logs there are, over time",
    parse_volume,
    find_volume,
    Volume,
    {
        "buckets": "How many buckets at most.",
        "by": "What the logs of a bucket are told apart by.",
        "budget": BUDGET,
    },
)
