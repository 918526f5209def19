"""Charts as SVG: what stands where. The template `parts.html` draws them (pages.md, "Charts").

Places across are in percent, so that a chart stretches without a script; heights are in pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.query.pages.axis import Tick, ticks
from gateway.query.range import Range

TOP = 14
"""Pixels above the bars, for the scale."""

MIN_BAR = 1.5
"""Pixels of a bar that isn't zero."""

MIN_HATCH = 0.8
"""Percent that the hatch takes at least, so that it is seen."""

_FILLED = 0.84
_SCALE = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


class Bar(NamedTuple):
    """`x` and `width` in percent, `y` and `height` in pixels."""

    css: str
    x: float
    width: float
    y: float
    height: float


class Bucket(NamedTuple):
    """One column of a chart: where it stands, how much of what is in it, and both ends, microseconds."""

    x: float
    width: float
    counts: Mapping[str, int]
    start: int
    end: int


@dataclass(frozen=True)
class Chart:
    """`most`: what the top line stands for. `hatch`: from where on it may still grow, percent; None for nowhere.
    `base`: pixels of the base line. `kinds`: what is stacked, from below."""

    bars: list[Bar]
    buckets: list[Bucket]
    ticks: list[Tick]
    most: int
    base: int
    hatch: float | None
    range: Range
    kinds: tuple[str, ...]

    @property
    def totals(self) -> dict[str, int]:
        """Of all buckets together."""
        return {kind: sum(bucket.counts.get(kind, 0) for bucket in self.buckets) for kind in self.kinds}


def histogram(
    range: Range,
    counts: Sequence[tuple[int, Mapping[str, int]]],
    kinds: Sequence[str],
    *,
    bucket_us: int,
    complete: int | None = None,
    height: int = 72,
    level: str = "",
) -> Chart:
    """Bars of a range. `counts`: each bucket's first moment, and what is in it. The first and last bucket may reach
    beyond the range. `kinds`: what is stacked, from below; `complete`: up to when all is there, microseconds. `level`:
    another kind, shown as a line at its height."""
    first, span = counts[0][0], len(counts) * bucket_us
    stacks = [sum(each.values()) - each.get(level, 0) for _, each in counts]
    most = round_up(max(*stacks, *(each.get(level, 0) for _, each in counts)))
    width = 100 / len(counts)
    bars: list[Bar] = []
    buckets: list[Bucket] = []
    for n, (start, each) in enumerate(counts):
        x = n * width
        bars += _stacked(each, kinds, x + width * (1 - _FILLED) / 2, width * _FILLED, most, height)
        if line := each.get(level, 0):
            y = TOP + height - max(MIN_BAR, line / most * height)
            bars.append(Bar(level, round(x, 2), round(width, 2), round(y, 1), MIN_BAR))
        buckets.append(Bucket(x, width, each, max(start, range.start), min(start + bucket_us - 1, range.end)))
    hatch = None
    if complete is not None and complete < first + span:
        hatch = min(max(0.0, (complete - first) / span * 100), 100 - MIN_HATCH)
    present = tuple(kind for kind in (*kinds, level) if any(each.get(kind) for _, each in counts))
    return Chart(bars, buckets, ticks(first, span), most, TOP + height, hatch, range, present)


def _stacked(
    counts: Mapping[str, int], kinds: Sequence[str], x: float, width: float, most: int, height: int
) -> list[Bar]:
    bars: list[Bar] = []
    y = float(TOP + height)
    for kind in kinds:
        if count := counts.get(kind, 0):
            tall = max(MIN_BAR, count / most * height)
            y -= tall
            bars.append(Bar(kind, round(x, 2), round(width, 2), round(y, 1), round(tall, 1)))
    return bars


def spark(counts: Sequence[int], *, width: int = 96, height: int = 16) -> list[Bar]:
    """A small chart's bars; everything in pixels."""
    most, each = max(counts, default=0) or 1, width / (len(counts) or 1)
    return [
        Bar(
            "bar",
            round(n * each, 1),
            round(max(1.0, each - 1), 1),
            round(height - max(1.0, count / most * height), 1),
            round(max(1.0, count / most * height), 1),
        )
        for n, count in enumerate(counts)
        if count
    ]


def round_up(number: int) -> int:
    """The next round number, at least 4."""
    power = 1
    while power * 10 < number:
        power *= 10
    return max(4, next(int(step * power) for step in _SCALE if step * power >= number and step * power % 1 == 0))
