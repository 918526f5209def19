"""A cursor is opaque, and returns the place it was made of."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.query.place import Place, decode_place, encode_place

MOMENTS = st.integers(-2_208_988_800_000_000, 10_413_791_999_999_999)
NUMBERS = st.integers(0, 2**63 - 1)


@given(st.builds(Place, MOMENTS, MOMENTS, NUMBERS, NUMBERS, NUMBERS, st.text()))
def test_a_cursor_says_what_it_was_made_of(place: Place) -> None:
    assert decode_place(encode_place(place)) == place


@given(st.text(max_size=40))
def test_a_made_up_cursor_is_refused_or_a_place(text: str) -> None:
    try:
        decode_place(text)
    except ValueError as error:
        assert "Link" in str(error)  # noqa: PT017 - either outcome is fine, but no other exception
