"""How many logs a range has, bucket by bucket (reading.md, "Volume")."""

from typing import Literal, get_args

import msgspec

from gateway.query.asked import Asked, parse_asked
from gateway.query.logs.fields import LANGUAGE
from gateway.query.parameters import Parameters
from gateway.query.question import Question
from gateway.query.range import Range
from gateway.query.reader import Reader
from gateway.query.source import Source
from gateway.query.times import format_time
from shared.signals.logs import LOGS

By = Literal["level", "service", "environment"]

_S = 1_000_000
_WIDTHS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Seconds of a bucket; beyond them whole days."""


class Volume(msgspec.Struct, frozen=True):
    """`bucket_s`: seconds of a bucket. Every bucket of the range is there, also empty ones."""

    bucket_s: int
    buckets: list["Bucket"]
    total: int


class Bucket(msgspec.Struct, frozen=True):
    """`time`: its first moment. `counts`: value of `by` -> logs."""

    time: str
    counts: dict[str, int]


class VolumeQuery(msgspec.Struct, frozen=True):
    asked: Asked
    buckets: int
    by: By


def parse_volume(given: Parameters) -> VolumeQuery:
    """Raises `BadQuery`."""
    query = VolumeQuery(
        asked=parse_asked(given, LANGUAGE),
        buckets=given.integer("buckets", 96, least=60, most=120),
        by=given.choice("by", get_args(By), "level"),
    )
    given.finish()
    return query


async def find_volume(reader: Reader, project_id: str, query: VolumeQuery) -> Volume:
    start, end = query.asked.range
    width = width_of(query.asked.range, query.buckets)
    step = width * _S
    source = Source.of(reader.database, LOGS.name, project_id, query.asked.conditions(LANGUAGE))
    rows = await reader.query(
        source.query(
            f"intDiv(toUnixTimestamp64Micro(timestamp), %(step)s) AS bucket, `{query.by}`, count()",
            f"GROUP BY bucket, `{query.by}` ORDER BY bucket, `{query.by}`",
        ),
        source.values | {"step": step},
        project_id=project_id,
        settings=source.settings,
    )
    counts: dict[int, dict[str, int]] = {bucket: {} for bucket in range(start // step, end // step + 1)}
    for bucket, value, count in rows:
        counts[bucket][value] = count
    buckets = [Bucket(format_time(bucket * step), each) for bucket, each in counts.items()]
    return Volume(width, buckets, sum(count for *_, count in rows))


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
    {"buckets": "How many buckets at most.", "by": "What the logs of a bucket are told apart by."},
)
