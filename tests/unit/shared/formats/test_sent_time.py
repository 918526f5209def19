"""One time, three readers: the gateway accepts it, the writer stores it, a query asks for it. They may disagree on
nothing, and nobody rounds (contracts.md, "Time")."""

import json
import re
from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.query.times import clamp, parse_time
from gateway.rejections import Rejection
from shared.formats import deeptracer_logs, proliferate_errors, proliferate_logs, vercel_drain
from shared.formats.values import EARLIEST_US, LATEST_US, microseconds
from tests.examples import examples
from tests.unit.shared.formats.test_levels import row_of
from tests.validating import Door

LOGS, ERRORS, DEEPTRACER, DRAIN = map(Door, (proliferate_logs, proliferate_errors, deeptracer_logs, vercel_drain))
EPOCH = datetime(1970, 1, 1)
PARTS = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:[Zz]|([+-])(\d\d):?(\d\d)?)?)?")

many = examples(200)

_two = st.integers(0, 59).map("{:02}".format)
_dates = st.dates().map(str) | st.sampled_from(["1970-01-01", "2024-02-29", "1969-12-31", "2299-12-31", "1899-12-31"])
_fractions = st.sampled_from(["", ".0", ".5", ".9999999", ".1234567", ".123456", ".000000999"]) | st.integers(0).map(
    ".{}".format
)
_zones = st.sampled_from(["", "Z", "z", "+00:00", "-00:00", "+0530", "-05", "+23:59", "-23:59"])
_clocks = st.builds("{}:{}:{}{}".format, st.integers(0, 23).map("{:02}".format), _two, _two, _fractions)
_short = st.builds("{}:{}".format, st.integers(0, 23).map("{:02}".format), _two)
iso_texts = _dates | st.builds("{}{}{}{}".format, _dates, st.sampled_from("Tt "), _clocks | _short, _zones)


def exactly(text: str) -> int:
    """Microseconds since the epoch, by the digits; what is below one is cut."""
    found = PARTS.fullmatch(text)
    assert found is not None
    date, clock, seconds, fraction, sign, hours, minutes = found.groups(default="")
    local = datetime.fromisoformat(f"{date}T{clock or '00:00'}:{seconds or '00'}") - EPOCH
    ahead = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    return (local - ahead) // timedelta(microseconds=1) + int(fraction.ljust(6, "0")[:6] or 0)


def stored(door: Door, text: str) -> int | None:
    """What the writer stores of a time in a log; None where the gateway refuses it."""
    log = {"level": "info", "message": "m", "timestamp": text}
    body: object = [log] if door is DRAIN else {"logs": [log]} if door in (LOGS, DEEPTRACER) else log
    try:
        part = door.validate(json.dumps(body).encode())
    except Rejection:
        return None
    if not part.n:
        return None
    (record,) = door.format.codec.read(bytes(part.payload))
    if door is DRAIN:
        moment = vercel_drain._row(dict(record)).timestamp
        assert moment is not None, text
        return microseconds(moment)
    return microseconds(record.timestamp)


@many
@given(iso_texts)
@example("2026-02-23T23:59:59.9999999Z")
@example("1969-12-31T23:59:59.9999999Z")
@example("2026-02-23 23:59:59.9999999z")
@example("2026-02-23T23:59:59.99999999999999999+0530")
@example("9999-12-31T23:59:59.9999999Z")
@example("0001-01-01T00:00:00+23:59")
def test_ingest_and_queries_read_one_time_alike_and_cut_it(text: str) -> None:
    moment = exactly(text)
    assert parse_time(text) == clamp(moment)
    for door in (LOGS, ERRORS, DRAIN, DEEPTRACER):
        found = stored(door, text)
        if found is None:
            assert door is DEEPTRACER, text  # Zod wants an offset
        elif EARLIEST_US <= moment <= LATEST_US:
            assert found == moment
        else:
            assert not EARLIEST_US <= found <= LATEST_US


@given(st.decimals(-(10**9), 10**10, places=6, allow_nan=False) | st.decimals(0, 10**10, places=9, allow_nan=False))
@example("1736938200.1234567")
@example("0.29")
@example("0.0000019")
@example("9007199254.740993")
def test_seconds_are_cut_at_the_microsecond_as_their_digits_say(seconds: object) -> None:
    number = float(str(seconds))
    # What a double prints is what was sent: until 2100 it holds six digits behind the point.
    digits = Fraction(repr(number)) * 1_000_000
    assert microseconds(number) == digits.numerator // digits.denominator


@given(st.integers(10**11 + 1, 4 * 10**12) | st.floats(1e11 + 1, 4e12))
def test_so_are_milliseconds(number: float) -> None:
    digits = Fraction(repr(float(number))) * 1_000
    assert microseconds(float(number)) == digits.numerator // digits.denominator


@pytest.mark.parametrize(
    "sent", ["0000-02-29T00:00Z", "0001-01-01T00:00:00+24:00", "9999-12-31T23:59:59.9999999Z", "1800-01-01T00:00Z"]
)
def test_what_no_column_holds_is_kept_as_it_was_sent(sent: str) -> None:
    row = row_of(DEEPTRACER, {"logs": [{"level": "info", "message": "m", "timestamp": sent}]})
    assert row["extra"] == {"timestamp": sent}
