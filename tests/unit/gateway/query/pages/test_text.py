"""Stored text as it is shown."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.query.pages.text import Piece, pieces, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", [Piece("plain")]),
        ("\x1b[31mred\x1b[0m x", [Piece("red", "a-1"), Piece(" x")]),
        ("\x1b[1;93mw\x1b[22mx\x1b[my", [Piece("w", "a-bold a-11"), Piece("x", "a-11"), Piece("y")]),
        ("\x1b[41ma\x1b[49mb", [Piece("a", "a-on a-on-1"), Piece("b")]),
        ("\x1b[38;5;9ma", [Piece("a", "a-9")]),
        ("\x1b[38;5;196ma", [Piece("a", "a-1")]),
        ("\x1b[38;2;0;200;0ma\x1b[39mb", [Piece("a", "a-2"), Piece("b")]),
        ("\x1b[38;5ma", [Piece("a", "a-0")]),
        ("\x1b[2Ja", [Piece("\u241b", "ctl"), Piece("[2Ja")]),
        (
            "\x1b]8;;http://x\x07link",
            [Piece("\u241b", "ctl"), Piece("]8;;http://x"), Piece("\u2407", "ctl"), Piece("link")],
        ),
        ("a\u202etxt", [Piece("a"), Piece("U+202E", "ctl"), Piece("txt")]),
        ("nul\0", [Piece("nul"), Piece("\u2400", "ctl")]),
    ],
)
def test_colours_are_classes_and_the_unseen_is_seen(text: str, shown: list[Piece]) -> None:
    assert pieces(text) == shown


def test_what_was_searched_for_is_marked_in_any_case() -> None:
    assert pieces("Card (declined) card", ["card", "(d"]) == [
        Piece("Card", "hit"),
        Piece(" "),
        Piece("(d", "hit"),
        Piece("eclined) "),
        Piece("card", "hit"),
    ]


def test_a_long_text_is_cut() -> None:
    assert pieces("abcdef", most=4) == [Piece("abcd"), Piece("…")]
    assert pieces("abcd", most=4) == [Piece("abcd")]


def test_a_title_has_signs_but_no_colours() -> None:
    assert plain("\x1b[31mred\x1b[0m\u2066x\n") == "redU+2066x\n"


@given(st.text(alphabet=st.sampled_from("\x1b[0;1:3984m<&\u202e\x07ax\n"), max_size=80))
def test_nothing_is_lost_but_colour_sequences(text: str) -> None:
    shown = "".join(piece.text for piece in pieces(text))
    kept = re.sub(r"\x1b\[[0-9;:]*m", "", text)
    assert shown == kept.replace("\x1b", "\u241b").replace("\x07", "\u2407").replace("\u202e", "U+202E")
    assert {piece.css for piece in pieces(text)} <= {
        css for piece in pieces(text) if re.fullmatch(r"[a-z0-9 -]*", css := piece.css)
    }
