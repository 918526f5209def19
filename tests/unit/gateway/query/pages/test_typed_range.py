"""Ranges as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.query.pages.typed_range import AROUND_US, Typed, parse_typed
from gateway.query.pages.zone import UTC
from gateway.query.range import Range
from gateway.query.times import parse_time

NOW = parse_time("2026-01-15T12:34:56.789Z")
DAY = 86_400_000_000


def between(start: str, end: str) -> Typed:
    return Typed(range=Range(parse_time(start), parse_time(end)))


@pytest.mark.parametrize(
    ("text", "last"),
    [("2h", "2h"), ("15m", "15m"), (" last 24H ", "24h"), ("2w", "14d"), ("past 3 days", "3d"), ("90 minutes", "90m")],
)
def test_a_span_is_relative_to_now(text: str, last: str) -> None:
    assert parse_typed(text, NOW, UTC) == Typed(last=last)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("yesterday 14:00 to 15:00", "2026-01-14T14:00:00", "2026-01-14T15:00:00"),
        ("Yesterday  14:00  TO  now", "2026-01-14T14:00:00", "2026-01-15T12:34:56.789"),
        ("9:30 - 10:00:30", "2026-01-15T09:30:00", "2026-01-15T10:00:30"),
        ("yesterday", "2026-01-14T00:00:00", "2026-01-14T23:59:59.999999"),
        ("today", "2026-01-15T00:00:00", "2026-01-15T23:59:59.999999"),
        ("yesterday to today", "2026-01-14T00:00:00", "2026-01-15T23:59:59.999999"),
        ("2026-01-02", "2026-01-02T00:00:00", "2026-01-02T23:59:59.999999"),
        ("2026-01-02 to 2026-01-03", "2026-01-02T00:00:00", "2026-01-03T23:59:59.999999"),
        ("2026-01-02T03:04:05+01:00 to 2026-01-02T03:00:00Z", "2026-01-02T02:04:05", "2026-01-02T03:00:00"),
        ("1768478400 to 1768482000", "2026-01-15T12:00:00", "2026-01-15T13:00:00"),
        ("2026-01-02 10:00 to 11:00", "2026-01-02T10:00:00", "2026-01-02T11:00:00"),
    ],
)
def test_two_ends_are_a_range(text: str, start: str, end: str) -> None:
    assert parse_typed(text, NOW, UTC) == between(start, end)


@pytest.mark.parametrize(
    "text",
    ["2026-01-15T12:00:00Z", "1768478400", "1768478400000", "1768478400000000", "1768478400000000000", "12:00"],
)
def test_a_moment_is_the_time_around_it(text: str) -> None:
    noon = parse_time("2026-01-15T12:00:00Z")
    assert parse_typed(text, NOW, UTC) == Typed(range=Range(noon - AROUND_US, noon + AROUND_US))


@pytest.mark.parametrize(
    "text", ["", "soon", "0h", "25:00", "12:60", "15:00 to 14:00", "2h to 3h", "today 99", "x" * 101]
)
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"write 2h|longer than nothing|ends before"):
        parse_typed(text, NOW, UTC)


@given(st.text(max_size=120))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    try:
        typed = parse_typed(text, NOW, UTC)
    except ValueError:
        return
    assert (typed.last is None) != (typed.range is None)
    assert typed.range is None or typed.range.start <= typed.range.end
