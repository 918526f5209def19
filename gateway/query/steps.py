"""The steps of a search: parts of a range of time, the newest first, each of known cost (reading.md, "Steps")."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MAX_ROWS = 500_000
"""Most rows of a step: it costs at most 100 ms."""

MAX_PARSED_ROWS = 350_000
"""Most rows of a step that parses attributes."""

BUCKET_US = 5 * 60 * 1_000_000
"""How finely rows are counted."""


@dataclass(frozen=True)
class Step:
    """A part of the range; `start` and `end` are microseconds, both inclusive. It holds about `rows` rows."""

    start: int
    end: int
    rows: int


def steps(start: int, end: int, counts: Mapping[int, int], most: int) -> Iterator[Step]:
    """The steps of a range, the newest first.

    `counts`: start of a bucket -> rows in it. Buckets without rows may be missing.

    1. The steps cover the range exactly once, whatever the counts say.
    2. A step holds at most `most` rows, or lies within one bucket that holds more: such a bucket is cut evenly by time.
    """
    rows = 0
    for bucket in sorted(counts, reverse=True):
        first, last = max(bucket, start), min(bucket + BUCKET_US - 1, end)
        if first > last:
            continue
        if rows and rows + counts[bucket] > most:
            yield Step(last + 1, end, rows)
            end, rows = last, 0
        rows += counts[bucket]
        if rows > most:
            if last < end:
                yield Step(last + 1, end, 0)
            yield from _cut(first, last, rows, most)
            end, rows = first - 1, 0
    if start <= end:
        yield Step(start, end, rows)


def _cut(start: int, end: int, rows: int, most: int) -> Iterator[Step]:
    """A range in as many equal parts as its rows need, at least a microsecond each."""
    parts = min(-(-rows // most), end - start + 1)
    edges = [start + (end - start + 1) * n // parts for n in range(parts + 1)]
    for n in reversed(range(parts)):
        yield Step(edges[n], edges[n + 1] - 1, -(-rows // parts))
