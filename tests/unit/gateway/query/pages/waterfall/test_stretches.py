"""Stretches of time as pieces of a bar."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.query.pages.waterfall.stretches import MAX_PIECES, MIN_WIDTH, Axis, coarse, own_stretches
from gateway.query.traces.critical import Stretch

STRETCHES = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 30)).map(lambda pair: Stretch(pair[0], sum(pair))), max_size=9
)


def ticks(stretches: list[Stretch]) -> set[int]:
    return {tick for start, end in stretches for tick in range(start, end)}


@given(STRETCHES)
def test_own_time_is_when_no_child_runs(children: list[Stretch]) -> None:
    whole = Stretch(10, 50)
    own = own_stretches(whole, children)
    assert ticks(own) == ticks([whole]) - ticks(children)
    assert all(start < end for start, end in own)


@given(STRETCHES)
def test_joined_stretches_leave_out_no_time(stretches: list[Stretch]) -> None:
    found = coarse(stretches, 90)
    assert ticks(found) >= ticks(stretches)
    assert found == sorted(found)


def test_a_line_has_only_so_many_pieces() -> None:
    many = [Stretch(n**3, n**3 + 1) for n in range(464)]
    pieces = Axis(100_000_000).pieces("info", many)
    assert 1 < len(pieces) <= MAX_PIECES
    assert sum(piece.width for piece in pieces) < 150


def test_pieces_stand_in_percent_and_are_seen() -> None:
    axis = Axis(1_000)
    assert axis.pieces("acc", [Stretch(100, 350)]) == [("acc", 10.0, 25.0)]
    assert axis.pieces("acc", [Stretch(500, 500)]) == [("acc", 50.0, MIN_WIDTH)]
    assert (axis.at(-5), axis.at(2_000)) == (0.0, 100.0)
