"""What the chart of calls to models may show: each measure as stacked whole numbers, and how these are written."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from gateway.query.buckets import Width
from gateway.query.llm.course import Step
from gateway.query.llm.figures import Used
from gateway.query.pages.chart import Chart, histogram
from gateway.query.pages.durations import lasting
from gateway.query.pages.money import drawn, money
from gateway.query.range import Range

_NANO = 10**9
_STEPS_S = (60, 300, 900, 1800, 3600, 10_800, 21_600, 86_400, 604_800)
_MOST_STEPS = 60
HEIGHT = 88


class Measure(NamedTuple):
    """`kinds`: class of a bar -> what it stands for, from below. `stack`: what is stacked of a bucket. `write`: such a
    number as text."""

    text: str
    kinds: Mapping[str, str]
    stack: Callable[[Used], Mapping[str, int]]
    write: Callable[[int], str]


MEASURES: Mapping[str, Measure] = {
    "cost": Measure(
        "Cost",
        {"bar": "cost"},
        lambda used: {"bar": round(drawn(used.cost_usd) * _NANO)},
        lambda nano: money(nano / _NANO),
    ),
    "tokens": Measure(
        "Tokens",
        {"bar": "input", "debug": "output"},
        lambda used: {"bar": used.input_tokens, "debug": used.output_tokens},
        lambda tokens: f"{tokens:,}",
    ),
    "calls": Measure(
        "Calls",
        {"bar": "with a price", "warn": "unpriced"},
        lambda used: {"bar": used.calls - used.unpriced, "warn": used.unpriced},
        lambda calls: f"{calls:,}",
    ),
    "latency": Measure(
        "Latency",
        {"bar": "p50", "debug": "from there to p95"},
        lambda used: {"bar": used.p50_ms, "debug": used.p95_ms - used.p50_ms},
        lambda ms: lasting(ms * 1000),
    ),
}


def width_of(range: Range) -> Width:
    """So wide that a range has at most 60 buckets, of the usual lengths; weeks for very long ones."""
    seconds = next((step for step in _STEPS_S if range.seconds / step <= _MOST_STEPS), _STEPS_S[-1])
    while range.seconds / seconds > 10 * _MOST_STEPS:
        seconds *= 2
    return Width("", seconds * 1_000_000, 0)


def starts_of(asked: Range, width: Width) -> Sequence[int]:
    """The first moments of a range's buckets, microseconds."""
    whole = width.whole(asked)
    return range(whole.start, whole.end, width.us)


def course_chart(range: Range, width: Width, course: Sequence[Step], measure: Measure, complete: int | None) -> Chart:
    known = {step.start: measure.stack(step.used) for step in course}
    counts = [(start, known.get(start, {})) for start in starts_of(range, width)]
    return histogram(range, counts, list(measure.kinds), bucket_us=width.us, complete=complete, height=HEIGHT)


def width_text(width: Width) -> str:
    """`5 minutes`."""
    seconds = width.us // 1_000_000
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % size == 0:
            number = seconds // size
            return unit if number == 1 else f"{number} {unit}s"
    return f"{seconds} seconds"
