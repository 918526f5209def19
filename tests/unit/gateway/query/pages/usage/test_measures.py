"""What the charts of the page LLM show, and the month."""

import pytest

from gateway.query.llm.course import Step
from gateway.query.llm.figures import Used
from gateway.query.pages.usage.groups import STRIP, strip
from gateway.query.pages.usage.measures import MEASURES, course_chart, starts_of, width_of, width_text
from gateway.query.pages.usage.month import month_of, month_range
from gateway.query.range import Range
from gateway.query.times import parse_time

NOON = parse_time("2026-01-15T12:00:00Z")
HOUR = 3_600_000_000
DAY = 24 * HOUR
USED = Used(calls=5, input_tokens=100, output_tokens=40, cost_usd=0.25, unpriced=2, p50_ms=300, p95_ms=900, p99_ms=950)


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (1, "minute"),
        (HOUR, "minute"),
        (4 * HOUR, "5 minutes"),
        (DAY, "30 minutes"),
        (2 * DAY, "hour"),
        (7 * DAY, "3 hours"),
        (30 * DAY, "day"),
    ],
)
def test_buckets_are_of_usual_lengths(us: int, text: str) -> None:
    range = Range(NOON - us, NOON)
    assert width_text(width_of(range)) == text
    assert 1 <= len(starts_of(range, width_of(range))) <= 62


def test_however_long_a_range_is_its_buckets_are_few() -> None:
    range = Range(parse_time("1900-01-01"), parse_time("2299-12-31"))
    assert len(starts_of(range, width_of(range))) <= 602


@pytest.mark.parametrize(
    ("name", "stack", "text"),
    [
        ("cost", {"bar": 250_000_000}, "$0.25"),
        ("tokens", {"bar": 100, "debug": 40}, "100"),
        ("calls", {"bar": 3, "warn": 2}, "3"),
        ("latency", {"bar": 300, "debug": 600}, "300 ms"),
    ],
)
def test_what_is_stacked_of_a_bucket(name: str, stack: dict[str, int], text: str) -> None:
    measure = MEASURES[name]
    assert measure.stack(USED) == stack
    assert set(stack) == set(measure.kinds)
    assert measure.write(stack["bar"]) == text


def test_the_chart_has_every_bucket_of_the_range() -> None:
    range = Range(NOON, NOON + HOUR - 1)
    width = width_of(range)
    chart = course_chart(range, width, [Step(NOON + 60_000_000, USED)], MEASURES["calls"], None)
    assert [bucket.counts for bucket in chart.buckets[:3]] == [{}, {"bar": 3, "warn": 2}, {}]
    assert chart.totals == {"bar": 3, "warn": 2}
    assert len(chart.buckets) == 60


def test_strips_share_a_scale() -> None:
    assert [(bar.x, bar.height, bar.y) for bar in strip([0, 5, 10, 1], 10)] == [
        (25.0, 10.0, 10.0),
        (50.0, STRIP, 0.0),
        (75.0, 2.0, 18.0),
    ]
    assert strip([], 0) == []


def test_a_month_goes_on_at_its_pace() -> None:
    now = parse_time("2026-12-11T00:00:00Z")
    assert month_range(now) == Range(parse_time("2026-12-01"), now)
    month = month_of(now, 10.0)
    assert (month.name, month.cost, month.heading_for) == ("December", 10.0, pytest.approx(31.0))
    assert month_of(parse_time("2026-12-01T00:59:00Z"), 1.0).heading_for is None
