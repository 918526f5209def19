"""Hours and days, in UTC."""

import pytest

from gateway.query.buckets import DAY, HOUR, Width, parse_bucket
from gateway.query.parameters import Parameters
from gateway.query.range import Range
from gateway.query.refusals import BadQuery

NOON = 1_768_478_400_000_000
HOUR_US = 3_600_000_000


@pytest.mark.parametrize(("width", "us"), [(HOUR, HOUR_US), (DAY, 24 * HOUR_US)])
@pytest.mark.parametrize("moment", [NOON, NOON + 1, NOON - 1, 0, -1, -NOON])
def test_a_range_grows_to_whole_buckets_and_no_further(width: Width, us: int, moment: int) -> None:
    whole = width.whole(Range(moment, moment))
    assert whole.start <= moment <= whole.end
    assert (whole.start % us, whole.end + 1 - whole.start) == (0, us)
    assert width.whole(whole) == whole


def test_too_many_buckets_are_refused() -> None:
    given = Parameters([("bucket", "hour")])
    parse_bucket(given, Range(0, 32 * 24 * HOUR_US), usual=None)
    with pytest.raises(BadQuery, match="Invalid"):
        given.finish()


def test_none_is_a_bucket_only_where_there_need_not_be_one() -> None:
    assert parse_bucket(Parameters([]), Range(0, 1), usual=None) is None
    assert parse_bucket(Parameters([]), Range(0, 1), usual=DAY) == DAY
    given = Parameters([("bucket", "none")])
    parse_bucket(given, Range(0, 1), usual=DAY)
    with pytest.raises(BadQuery):
        given.finish()
