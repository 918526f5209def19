"""Times in a reader's zone, above all where clocks are changed. Berlin: at 1:00 UTC from 2:00 to 3:00 on 29 March 2026,
and from 3:00 back to 2:00 on 25 October 2026."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.query.pages.axis import ticks
from gateway.query.pages.picker import Picker
from gateway.query.pages.times import clock, day_clock, exact, iso, minute
from gateway.query.pages.typed_range import AROUND_US, parse_typed
from gateway.query.pages.zone import UTC, Zone, write_in, zone, zone_named
from gateway.query.range import Range
from gateway.query.times import format_time, parse_time

BERLIN = zone_named("Europe/Berlin")
HOUR = 3_600_000_000


@pytest.fixture(autouse=True)
def berlin() -> Iterator[None]:
    write_in(BERLIN)
    yield
    write_in(UTC)


def at(text: str) -> int:
    return parse_time(text)


def typed(text: str, now: str = "2026-10-26T12:00:00Z", where: Zone = BERLIN) -> list[str]:
    """Both ends in UTC."""
    found = parse_typed(text, at(now), where).range
    assert found is not None
    return [format_time(each) for each in found]


def labels(start: str, hours: int) -> list[str]:
    return [tick.text for tick in ticks(at(start), hours * HOUR)]


def test_times_are_written_in_the_zone_but_for_machines() -> None:
    moment = at("2026-07-01T22:30:05.120Z")
    assert day_clock(moment) == "2 Jul 00:30"
    assert clock(moment) == "00:30:05.120"
    assert minute(moment) == "2 Jul 2026 00:30 Berlin"
    assert exact(moment) == "2026-07-02T00:30:05.120+02:00"
    assert iso(moment) == "2026-07-01T22:30:05.120Z"
    write_in(UTC)
    assert exact(moment) == iso(moment)


@pytest.mark.parametrize(
    "name", ["", "UTC", "Nowhere/Else", "../etc/passwd", "localtime", "europe/berlin", "\0", "Europe"]
)
def test_what_is_no_zone_is_utc(name: str) -> None:
    assert zone_named(name) is UTC


def test_labels_are_short() -> None:
    assert zone_named("America/Argentina/Buenos_Aires").label == "Buenos Aires"


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        # The days of the changes have 23 and 25 hours.
        ("2026-03-29", "2026-03-28T23:00:00.000Z", "2026-03-29T21:59:59.999999Z"),
        ("2026-10-25", "2026-10-24T22:00:00.000Z", "2026-10-25T22:59:59.999999Z"),
        ("yesterday", "2026-10-24T22:00:00.000Z", "2026-10-25T22:59:59.999999Z"),
        # An hour that is shown twice is both of them.
        ("2026-10-25 02:00 to 02:30", "2026-10-25T00:00:00.000Z", "2026-10-25T01:30:00.000Z"),
        ("yesterday 2:30 to 3:00", "2026-10-25T00:30:00.000Z", "2026-10-25T02:00:00.000Z"),
        # One that is never shown lies between those around it.
        ("2026-03-29 02:30 to 03:30", "2026-03-29T00:30:00.000Z", "2026-03-29T01:30:00.000Z"),
        ("2026-03-29 01:30 to 02:30", "2026-03-29T00:30:00.000Z", "2026-03-29T01:30:00.000Z"),
        # What names a zone is in that one.
        ("2026-10-25T02:00Z to 2026-10-25T02:30+05:00", "2026-10-25T02:00:00.000Z", "2026-10-24T21:30:00.000Z"),
        ("1792890000 to 1792893600", "2026-10-25T01:00:00.000Z", "2026-10-25T02:00:00.000Z"),
    ],
)
def test_what_is_typed_is_read_by_the_clocks_of_the_zone(text: str, start: str, end: str) -> None:
    if start > end:
        with pytest.raises(ValueError, match="ends before"):
            typed(text)
    else:
        assert typed(text) == [start, end]


def test_a_single_moment_that_is_shown_twice_is_the_time_around_both() -> None:
    start, end = (at("2026-10-25T00:30:00Z") - AROUND_US, at("2026-10-25T01:30:00Z") + AROUND_US)
    assert typed("2026-10-25 02:30") == [format_time(start), format_time(end)]


def test_ticks_follow_the_clocks_over_both_changes() -> None:
    assert labels("2026-03-28T22:00:00Z", 6) == ["23:00", "29 Mar", "01:00", "03:00", "04:00", "05:00"]
    assert labels("2026-10-24T21:00:00Z", 6) == ["23:00", "25 Oct", "01:00", "02:00", "02:00", "03:00"]
    assert labels("2026-03-28T20:00:00Z", 24)[1:5] == ["29 Mar", "03:00", "06:00", "09:00"]
    assert labels("2026-10-24T20:00:00Z", 24)[:4] == ["25 Oct", "03:00", "06:00", "09:00"]
    days = ticks(at("2026-10-22T22:00:00Z"), 6 * 24 * HOUR)
    assert [each.text for each in days] == ["23 Oct", "24 Oct", "25 Oct", "26 Oct", "27 Oct", "28 Oct"]
    assert days[3].x - days[2].x > days[2].x - days[1].x  # the day of 25 hours


def test_where_midnight_is_left_out_the_day_begins_at_one() -> None:
    write_in(zone_named("Africa/Cairo"))  # from 0:00 to 1:00 on 24 April 2026
    assert labels("2026-04-22T22:00:00Z", 72) == ["23 Apr", "12:00", "01:00", "12:00", "25 Apr", "12:00", "26 Apr"]


def test_the_picker_shows_and_takes_the_same_times() -> None:
    range = Range(at("2026-10-24T22:00:00Z"), at("2026-10-25T22:59:59Z"))
    picker = Picker(range, None, at("2026-10-25T12:00:00Z"), lambda page=None, **changed: "?start_time=")
    assert picker.exact == "00:00 to 23:59 Berlin"
    assert (picker.start_input, picker.end_input) == ("2026-10-25T00:00:00", "2026-10-25T23:59:59")
    assert parse_time(picker.start_input, of_wall=zone().first) == range.start
    assert parse_time(picker.end_input, of_wall=zone().last) == range.end


@given(st.integers(at("1971-01-01"), at("2100-01-01")), st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe"]))
def test_a_wall_time_is_the_moments_at_which_clocks_show_it(us: int, name: str) -> None:
    there = zone_named(name)
    assert there.info == ZoneInfo(name)
    moments = {there.first(there.wall(us)), there.last(there.wall(us))}
    assert us in moments
    assert all(there.wall(each) == there.wall(us) for each in moments)
