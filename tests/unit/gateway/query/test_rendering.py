"""Answers are rendered in pieces that make the same JSON as one encoding would."""

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.query.rendering import PIECE_BYTES, rendered


class Row(msgspec.Struct):
    text: str
    number: int | None


class Told(msgspec.Struct):
    range: dict[str, str]
    next: str | None = None


class Found(msgspec.Struct):
    rows: list[Row]
    names: list[str]
    total: Row


ROWS = st.builds(Row, st.text(), st.none() | st.integers(-5, 5))


@given(st.lists(ROWS, max_size=5), st.lists(st.text(), max_size=3), ROWS)
def test_the_fields_of_all_parts_stand_in_one_object(rows: list[Row], names: list[str], total: Row) -> None:
    parts = Told({"start": "x"}), Found(rows, names, total)
    made = json.loads(b"".join(rendered(*parts)))
    assert made == {name: value for part in parts for name, value in msgspec.to_builtins(part).items()}


def test_pieces_are_large_but_for_the_last_one() -> None:
    pieces = rendered(Found([Row("x" * 1000, n) for n in range(500)], [], Row("", 0)))
    assert len(pieces) > 3
    assert all(PIECE_BYTES <= len(piece) < PIECE_BYTES + 2000 for piece in pieces[:-1])
