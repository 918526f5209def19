"""Patterns with `*` mean what they say, in linear time."""

import re
import time

from hypothesis import example, given
from hypothesis import strategies as st

from shared.fingerprint.rules.glob import Glob

letters = st.text("ab*\n.", max_size=12)


@given(letters, st.text("ab\n.", max_size=16))
@example("*", "")
@example("a*a", "a")
@example("ab*ba", "aba")
@example("a**b", "ab")
def test_a_star_is_any_text_and_all_else_is_itself(pattern: str, text: str) -> None:
    plain = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
    assert Glob(pattern).matches(text) == (plain.fullmatch(text) is not None)


def test_a_hostile_pattern_costs_no_more_than_plain_searches() -> None:
    # A backtracking matcher tries every way to spread the stars: 8,000 ** 60 of them.
    text = "a" * 8_192
    glob = Glob("*a" * 60 + "*b*a")
    began = time.process_time()
    assert not glob.matches(text)
    assert time.process_time() - began < 1, "it took seconds, not microseconds"
