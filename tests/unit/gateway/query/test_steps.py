"""Steps cover a range once, newest first, and none is dearer than it may be (reading.md, "Steps")."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.query.steps import BUCKET_US, Step, steps

B = BUCKET_US
buckets = st.integers(-50, 50).map(lambda n: n * B)
counts = st.dictionaries(buckets, st.integers(0, 100), max_size=30)
moments = st.integers(-51 * B, 51 * B)


@given(moments, moments, counts, st.integers(1, 60))
def test_steps_cover_the_range_exactly_once_newest_first(one: int, other: int, held: dict[int, int], most: int) -> None:
    start, end = sorted((one, other))
    made = list(steps(start, end, held, most))
    assert made[0].end == end
    assert made[-1].start == start
    assert all(later.start == earlier.end + 1 for later, earlier in pairwise(made))
    assert all(step.start <= step.end for step in made)


@given(moments, moments, counts, st.integers(1, 60))
def test_a_step_is_small_or_a_part_of_one_bucket(one: int, other: int, held: dict[int, int], most: int) -> None:
    start, end = sorted((one, other))
    for step in steps(start, end, held, most):
        touched = [bucket for bucket in held if held[bucket] and bucket <= step.end and bucket + B > step.start]
        if sum(held[bucket] for bucket in touched) > most:
            (bucket,) = touched
            assert bucket <= step.start <= step.end < bucket + B
            whole = min(bucket + B - 1, end) - max(bucket, start) + 1
            assert step.end - step.start + 1 <= -(-whole // -(-held[bucket] // most))
        else:
            assert step.rows == sum(held[bucket] for bucket in touched)


def test_an_empty_range_of_any_length_is_one_step() -> None:
    assert list(steps(5, 10 * B, {}, 100)) == [Step(5, 10 * B, 0)]


def test_steps_end_where_the_next_bucket_would_be_too_much() -> None:
    held = {0: 60, B: 40, 2 * B: 100, 4 * B: 1}
    assert list(steps(0, 5 * B - 1, held, 100)) == [
        Step(3 * B, 5 * B - 1, 1),
        Step(2 * B, 3 * B - 1, 100),
        Step(0, 2 * B - 1, 100),
    ]


def test_a_bucket_with_too_many_rows_is_cut_by_time() -> None:
    assert list(steps(0, B - 1, {0: 250}, 100)) == [
        Step(2 * B // 3, B - 1, 84),
        Step(B // 3, 2 * B // 3 - 1, 84),
        Step(0, B // 3 - 1, 84),
    ]
