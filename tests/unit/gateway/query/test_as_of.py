"""A state is opaque, returns what it was made of, and only narrows."""

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.query.as_of import MAX_LANES, MAX_TEXT, AsOf, as_of, decode_as_of, encode_as_of
from shared.queue.base import Lane

MOMENTS = st.integers(-2_208_988_800_000_000, 10_413_791_999_999_999)
OFFSETS = st.integers(0, 2**63 - 1)
ENDS = st.dictionaries(
    st.text(min_size=1, max_size=20), st.lists(OFFSETS, min_size=1, max_size=8).map(tuple), max_size=8
)


def packed(value: object) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(value)).decode().rstrip("=")


@given(MOMENTS, ENDS)
def test_a_text_says_what_it_was_made_of(complete: int, ends: dict[str, tuple[int, ...]]) -> None:
    assert decode_as_of(encode_as_of(AsOf(complete, ends))) == AsOf(complete, ends)


@given(st.text(max_size=60))
def test_a_made_up_text_is_refused_or_a_state(text: str) -> None:
    try:
        decode_as_of(text)
    except ValueError as error:
        assert "X-As-Of" in str(error)  # noqa: PT017 - either outcome is fine, but no other exception


@pytest.mark.parametrize(
    "value",
    [
        [2**63, {}],
        [-(2**62), {}],
        ["now", {}],
        [0, {"t": []}],
        [0, {"t": [-1]}],
        [0, {"t": [2**63]}],
        [0, {"t": [1.5]}],
        [0, {"": [1]}],
        [0, {"t" * 250: [1]}],
        [0, {"t": [1] * (MAX_LANES + 1)}],
        [0, {f"t{n}": [1, 2] for n in range(MAX_LANES // 2 + 1)}],
        [0, {}, 0],
        [0],
        {},
    ],
)
def test_what_is_no_state_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="X-As-Of"):
        decode_as_of(packed(value))


def test_a_text_that_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(ValueError, match="X-As-Of"):
        decode_as_of("A" * (MAX_TEXT + 1))


def test_the_longest_state_fits_a_text_and_a_longer_one_has_none() -> None:
    lanes = {Lane("t", partition): 2**63 - 1 for partition in range(MAX_LANES)}
    state = as_of(0, lanes)
    assert state is not None
    assert len(encode_as_of(state)) <= MAX_TEXT
    assert decode_as_of(encode_as_of(state)) == state
    assert as_of(0, lanes | {Lane("u", 0): 1}) is None


def test_a_partition_that_is_missing_has_nothing_in_the_state() -> None:
    assert as_of(5, {Lane("b", 2): 7, Lane("a", 0): 3}) == AsOf(5, {"a": (3,), "b": (0, 0, 7)})


def test_values_are_never_part_of_the_sql() -> None:
    state = AsOf(0, {"'; DROP TABLE x --": (1,)})
    assert "DROP" not in state.condition.sql
    assert state.condition.values["as_of_topic_0"] == "'; DROP TABLE x --"
