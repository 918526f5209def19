"""How many logs a project has in each five minutes, known before they are read (reading.md, "Steps")."""

from typing import NamedTuple

from gateway.query.logs.rollup import FIVE_MINUTES, SECONDS, begin_within
from gateway.query.range import Range
from gateway.query.reader import Reader, Rows
from gateway.query.source import Source
from gateway.query.steps import BUCKET_US
from shared.signals.logs import LOGS

MOST_BUCKETS = 8_928
"""Buckets that are told: 31 days of five minutes."""


class Counts(NamedTuple):
    """`by_bucket`: start of five minutes, microseconds -> logs in them, of the newest `MOST_BUCKETS` that have some.
    `rows`: of all buckets that the range touches."""

    by_bucket: dict[int, int]
    rows: int

    @property
    def whole(self) -> bool:
        """Whether all buckets are here. An older rest is for the next search."""
        return len(self.by_bucket) < MOST_BUCKETS

    def known_from(self, range: Range) -> int:
        """From when on all buckets of the range are here, microseconds."""
        return range.start if self.whole else max(range.start, min(self.by_bucket))


async def counts_of(reader: Reader, project_id: str, range: Range) -> Counts:
    """They may be of a moment ago (`Recent`). Raises `Unavailable`."""
    buckets = Range(*(moment // BUCKET_US * BUCKET_US for moment in range))
    return await reader.recent.of((project_id, buckets), lambda: _asked(reader, project_id, buckets))


async def _asked(reader: Reader, project_id: str, buckets: Range) -> Counts:
    source = Source.of(reader.database, LOGS.name, project_id, [begin_within(buckets)])
    return await source.read(
        reader,
        _counts,
        f"{SECONDS}, count(), sum(count()) OVER ()",
        f"GROUP BY {FIVE_MINUTES} ORDER BY {FIVE_MINUTES} DESC LIMIT {MOST_BUCKETS}",
    )


def _counts(rows: Rows) -> Counts:
    return Counts({seconds * 1_000_000: count for seconds, count, _ in rows}, rows[0][2] if rows else 0)
