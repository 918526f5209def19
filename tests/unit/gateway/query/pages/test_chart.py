"""Where the bars of a chart stand."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.query.pages.axis import ticks
from gateway.query.pages.chart import MIN_BAR, MIN_HATCH, TOP, histogram, round_up, spark
from gateway.query.pages.rendering import templates
from gateway.query.range import Range
from gateway.query.times import parse_time

NOON = parse_time("2026-01-15T12:00:00Z")
S = 1_000_000
COUNTS = [(NOON, {"error": 1, "info": 9}), (NOON + 10 * S, {}), (NOON + 20 * S, {"info": 1000})]


def test_bars_are_stacked_from_the_base_line_in_their_order() -> None:
    chart = histogram(Range(NOON, NOON + 30 * S - 1), COUNTS, ["error", "info"], bucket_us=10 * S)
    error, info, tall = chart.bars
    assert chart.most == 1000
    assert chart.base == TOP + 72
    assert (error.css, error.height, error.y + error.height) == ("error", MIN_BAR, chart.base)
    assert info.y + info.height == pytest.approx(error.y, abs=0.11)
    assert (tall.height, tall.y) == (72, TOP)
    assert (error.x, error.width) == (2.67, 28.0)
    assert chart.totals == {"error": 1, "info": 1009}


def test_buckets_end_where_the_range_does() -> None:
    chart = histogram(Range(NOON + 5 * S, NOON + 22 * S), COUNTS, ["error", "info"], bucket_us=10 * S)
    ends = [(bucket.start, bucket.end) for bucket in chart.buckets]
    assert ends == [
        (NOON + 5 * S, NOON + 10 * S - 1),
        (NOON + 10 * S, NOON + 20 * S - 1),
        (NOON + 20 * S, NOON + 22 * S),
    ]


@pytest.mark.parametrize(
    ("complete", "hatch"),
    [(NOON + 15 * S, 50.0), (NOON + 30 * S, None), (NOON - S, 0.0), (NOON + 30 * S - 1, 100 - MIN_HATCH), (None, None)],
)
def test_the_hatch_begins_at_the_watermark(complete: int | None, hatch: float | None) -> None:
    chart = histogram(Range(NOON, NOON + 30 * S - 1), COUNTS, ["info"], bucket_us=10 * S, complete=complete)
    assert chart.hatch == hatch


@given(st.integers(0, 10**12))
def test_the_scale_is_round_and_holds_the_highest_bar(number: int) -> None:
    most = round_up(number)
    assert number <= most <= max(4, 2 * number)
    assert len(str(most).rstrip("0")) <= 2


@given(st.integers(0, 10**10), st.integers(60, 400 * 86_400))
def test_ticks_are_few_and_within_the_axis(first: int, span: int) -> None:
    found = ticks(first * S, span * S)
    assert len(found) <= 64
    assert all(0 <= tick.x <= 100 for tick in found)


def test_a_spark_has_a_bar_for_each_part_that_is_not_empty() -> None:
    assert [(bar.x, bar.height) for bar in spark([0, 2, 4, 0])] == [(24.0, 8.0), (48.0, 16.0)]
    assert spark([]) == []
    assert spark([0, 0]) == []


def titles(range: Range, bucket_us: int, **more: object) -> list[str]:
    """Of the bars of a chart as it is drawn."""
    chart = histogram(
        range, [(NOON, {"bar": 1_234}), (NOON + bucket_us, {"warn": 2})], ["bar", "warn"], bucket_us=bucket_us
    )
    parts: Any = templates.get_template("parts.html").module
    return re.findall("<title>(.*?)</title>", parts.histogram(chart, lambda start, end: "#", "", **more))


def test_a_bar_says_when_and_how_many() -> None:
    assert titles(Range(NOON, NOON + 20 * S), 10 * S) == ["12:00:00, 1,234 events", "12:00:10, 2 warn"]
    days = Range(NOON, NOON + 2 * 86_400 * S)
    assert titles(days, 86_400 * S) == ["15 Jan 12:00, 1,234 events", "16 Jan 12:00, 2 warn"]


def test_a_chart_may_name_its_parts_and_write_its_numbers_otherwise() -> None:
    named = titles(Range(NOON, NOON + 20 * S), 10 * S, names={"bar": "p50", "warn": "<p95>"}, write="{} ms".format)
    assert named == ["12:00:00, 1234 ms p50", "12:00:10, 2 ms &lt;p95&gt;"]


def test_a_level_is_a_line_at_its_height_beside_the_stacks() -> None:
    counts = [(0, {"bar": 3, "ink": 10}), (60, {"bar": 4}), (120, {"ink": 5})]
    chart = histogram(Range(0, 179), counts, ["bar"], bucket_us=60, height=100, level="ink")
    assert (chart.most, chart.kinds) == (10, ("bar", "ink"))
    lines = [(bar.x, bar.y) for bar in chart.bars if bar.css == "ink"]
    assert lines == [(0.0, float(TOP)), (66.67, TOP + 50.0)]
    assert [bar.height for bar in chart.bars if bar.css == "bar"] == [30.0, 40.0]
    assert chart.totals == {"bar": 7, "ink": 15}
