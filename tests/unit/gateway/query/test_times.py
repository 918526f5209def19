"""Times as the read API accepts and returns them (contracts.md, "Time")."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.query.times import format_time, parse_time

NOON = 1_768_478_400_000_000


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-15T12:00:00Z", NOON),
        ("2026-01-15t12:00:00z", NOON),
        ("2026-01-15 12:00", NOON),
        ("2026-01-15T12:00:00.1234567Z", NOON + 123_456),
        ("2026-01-15T12:00:00,5", NOON + 500_000),
        ("2026-01-15T13:30:00+01:30", NOON),
        ("2026-01-15T13:30:00 01:30", NOON),
        ("2026-01-15T11:00:00-0100", NOON),
        ("2026-01-15T13:00:00+01", NOON),
        ("2026-01-15", NOON - 43_200_000_000),
        ("0001-01-01T00:00:00+23:59", -2_208_988_800_000_000),
        ("9999-12-31T23:59:59-23:59", 10_413_791_999_999_999),
    ],
)
def test_times_are_iso_8601_with_or_without_offset(text: str, moment: int) -> None:
    assert parse_time(text) == moment


def test_a_date_alone_ends_with_its_last_microsecond() -> None:
    assert parse_time("2026-01-15", whole_day=True) == parse_time("2026-01-15T23:59:59.999999Z")


@given(st.integers(-2_208_988_800_000_000, 10_413_791_999_999_999))
def test_every_time_that_is_given_can_be_asked_for(moment: int) -> None:
    text = format_time(moment)
    assert parse_time(text) == moment
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.(\d{3}|\d{6})Z", text)
