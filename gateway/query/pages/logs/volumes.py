"""The histogram of the pages of logs (pages.md, "Charts")."""

import asyncio
from typing import NamedTuple

from gateway.query.asked import Asked
from gateway.query.complete import Complete
from gateway.query.logs.counted import Count
from gateway.query.logs.volume import VolumeQuery, find_volume
from gateway.query.pages.chart import Chart, histogram
from gateway.query.pages.view import View
from gateway.query.reader import TooBig
from gateway.query.times import parse_time
from gateway.rejections import Rejection
from shared.formats.levels import LEVELS

WITHIN_S = 5.0
"""It fails alone after that: the rest of the page is there without it."""

BUDGET = 10_000_000
"""Rows that are counted one by one, where no rollup can answer it."""

FROM_BELOW = tuple(reversed(LEVELS))
"""How levels are stacked."""

PROBLEM = "The histogram could not be counted in time. The rest of the page doesn't need it; a shorter range helps."


class Volumes(NamedTuple):
    """`since`: from when on the logs are counted, where the search is too large to count all; microseconds."""

    chart: Chart
    since: int | None

    @property
    def total(self) -> int:
        return sum(self.chart.totals.values())


def volume_query(asked: Asked) -> VolumeQuery:
    return VolumeQuery(asked, 96, "level", BUDGET)


async def find_volumes(view: View, asked: Asked, complete: Complete, count: Count) -> Volumes | None:
    """None where they could not be counted in time."""
    query = volume_query(asked)
    try:
        async with asyncio.timeout(WITHIN_S):
            volume = await find_volume(view.deps.reader, view.project.project_id, query, count)
    except (Rejection, TooBig, TimeoutError):
        return None
    counts = [(parse_time(bucket.time), bucket.counts or {}) for bucket in volume.buckets]
    chart = histogram(asked.range, counts, FROM_BELOW, bucket_us=query.width, complete=complete.up_to)
    to = parse_time(volume.searched_to)
    return Volumes(chart, to if to > asked.range.start else None)
