"""Stored text can't do anything to a terminal."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.commands.visible import json_line, visible, visible_lines

OBEYED = {"Cc", "Cf", "Zl", "Zp", "Cs"}
"""Categories of what a terminal obeys, or shows as nothing."""
JOINERS = "\u200c\u200d"


def is_obeyed(text: str) -> bool:
    return any(unicodedata.category(char) in OBEYED and char not in JOINERS for char in text)


def test_every_character_of_unicode_is_shown_or_escaped() -> None:
    left = [hex(code) for code in range(0x110000) if is_obeyed(visible(chr(code)))]
    assert left == []


def test_letters_emoji_and_other_scripts_stay_as_they_are() -> None:
    for text in ("plain", "café", "日本語", "नमस्ते", "مرحبا", "👩\u200d💻", "❤\ufe0f", "a\\b"):
        assert visible(text) == text


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[38;2;1;2;3mred\x1b[m", "red"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x1b]8;;http://evil\x1b\\link", "\\x1b]8;;http://evil\\x1b\\link"),
        ("\x9b2J", "\\x9b2J"),
        ("\x1bP$q\x1b\\", "\\x1bP$q\\x1b\\"),
        ("a\nb\r\n\tc", "a\\nb\\r\\n\\tc"),
        ("\x1b[3\x1b[31m1m", "\\x1b[31m"),
        ("user\u202etxt.exe", "user\\u202etxt.exe"),
        ("a\u2066b\u2069\u200f", "a\\u2066b\\u2069\\u200f"),
        ("\b\b\x7f\0", "\\x08\\x08\\x7f\\x00"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_a_terminal_would_obey_is_spelled_out(stored: str, shown: str) -> None:
    assert visible(stored) == shown


@given(st.text())
def test_lines_hold_nothing_to_obey(text: str) -> None:
    assert not is_obeyed("".join(visible_lines(text)))


def test_lines_end_where_the_text_says() -> None:
    assert visible_lines("a\r\n\tb\rc\n") == ["a", "    b\\rc", ""]


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=5,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 2, "\t"]))
def test_a_line_of_json_is_one_line_and_the_same_value(value: object, escaped: bool, indent: int | str | None) -> None:
    line = json_line(json.dumps(value, ensure_ascii=escaped, indent=indent))
    assert json.loads(line) == value
    assert not is_obeyed(line)
