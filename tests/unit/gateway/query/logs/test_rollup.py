"""Which part of a range the rollup counts (reading.md, "Volume")."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.query.logs.rollup import begin_within, whole_buckets
from gateway.query.range import Range
from gateway.query.steps import BUCKET_US

LAST = 2**32 * 1_000_000

moments = st.one_of(
    st.integers(-LAST, 2 * LAST),
    st.integers(-3, 50).map(lambda n: n * BUCKET_US),
    st.integers(LAST - 3 * BUCKET_US, LAST + BUCKET_US),
)


@given(moments, moments)
def test_it_is_the_largest_part_of_whole_five_minutes(one: int, other: int) -> None:
    start, end = sorted((one, other))
    whole = whole_buckets(Range(start, end))
    if whole is None:
        assert min(end, LAST - 2 * BUCKET_US) - max(start, BUCKET_US) < 2 * BUCKET_US
        return
    assert start <= whole.start < whole.end <= end
    assert whole.start % BUCKET_US == (whole.end + 1) % BUCKET_US == 0
    assert whole.start - BUCKET_US < max(start, 1)
    assert whole.end + BUCKET_US >= min(end, LAST - BUCKET_US)


@given(moments, moments)
def test_buckets_with_the_logs_of_other_times_are_no_part_of_it(one: int, other: int) -> None:
    whole = whole_buckets(Range(*sorted((one, other))))
    if whole is not None:
        values = begin_within(whole).values
        assert 0 < values["first"] <= values["last"] < 4_294_967_100
