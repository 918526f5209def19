"""Patterns that differ in few words are folded once more (reading.md, "How patterns are folded")."""

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.query.logs.patterns import fold as folding
from gateway.query.logs.patterns.fold import MAX_GROUPS, MAX_WORDS, Folded, fold

PEOPLE = ["alice", "bob", "carol", "dave"]
WORDS = st.sampled_from([*PEOPLE, "login", "of", "failed", "*", "a{b}", "in"])


def test_patterns_that_differ_in_a_word_are_one() -> None:
    logins = [f"login of {who} failed" for who in PEOPLE]
    assert fold([*logins, "disk full"]) == [Folded("login of * failed", [0, 1, 2, 3]), Folded("disk full", [4])]


def test_few_that_differ_are_left_as_they_are() -> None:
    patterns = ["user was logged in", "user was logged out", "user was logged off"]
    assert [each.text for each in fold(patterns)] == patterns


def test_a_template_is_left_as_it_is() -> None:
    patterns = [f"user {{name}} was {what} now" for what in ("added", "moved", "named", "dropped")]
    patterns += [f"user %s was {what} now" for what in ("added", "moved", "named", "dropped")]
    assert [each.text for each in fold(patterns)] == patterns


def test_stars_are_nothing_that_patterns_have_in_common() -> None:
    patterns = [f"job {what} * * * *" for what in ("alpha", "beta", "gamma", "delta")]
    assert [each.text for each in fold(patterns)] == patterns


def test_another_first_word_or_number_of_words_is_another_pattern() -> None:
    assert len(fold([f"{who} has logged in" for who in PEOPLE])) == 4
    assert len(fold(["a b c d" + " e" * n for n in range(4)])) == 4


def test_a_pattern_is_compared_with_so_many_groups_and_no_more() -> None:
    compared = 0

    class Counting(folding._Group):
        def same(self, words):  # type: ignore[no-untyped-def]
            nonlocal compared
            compared += 1
            return super().same(words)

    usual, folding._Group = folding._Group, Counting  # type: ignore[misc]
    try:
        patterns = [f"a{' ' + chr(65 + n % 50) + str(n)}" * 20 for n in range(2_000)]
        assert len(fold(patterns)) == 2_000
    finally:
        folding._Group = usual  # type: ignore[misc]
    assert compared <= 2_000 * (MAX_GROUPS + 1)
    assert len(fold([" ".join(["a", *["b"] * MAX_WORDS, who]) for who in PEOPLE])) == 4


@given(st.lists(st.lists(WORDS, max_size=6).map(" ".join), unique=True, max_size=40))
def test_every_pattern_is_in_one_that_is_like_it(patterns: list[str]) -> None:
    folded = fold(patterns)
    assert sorted(n for each in folded for n in each.members) == list(range(len(patterns)))
    assert [each.members[0] for each in folded] == sorted(each.members[0] for each in folded)
    for text, members in folded:
        like = re.compile("".join(r"\S+" if part == "*" else re.escape(part) for part in re.split(r"(\*)", text)))
        assert all(like.fullmatch(patterns[n]) for n in members)
        assert len(members) == 1 or len(members) >= 4
