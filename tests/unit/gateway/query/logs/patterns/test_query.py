"""The query for a pattern finds it (reading.md, "Patterns")."""

import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.query.language.language import MAX_CHARACTERS
from gateway.query.language.nodes import AnyOf, Exact, Glob, Term
from gateway.query.logs.fields import LANGUAGE
from gateway.query.logs.patterns.query import query_for

TEXTS = st.text(st.sampled_from('ab *"\\()[]<>/:-\n\té'), min_size=1, max_size=40)


@given(TEXTS)
def test_a_pattern_is_asked_for_exactly(pattern: str) -> None:
    query = query_for(pattern, 1)
    assert query is not None
    parsed = LANGUAGE.parse(query)
    assert not parsed.told
    assert parsed.tree == Term("pattern", AnyOf((Exact(pattern),)))


@given(TEXTS)
def test_a_folded_one_is_asked_for_by_what_is_like_it(pattern: str) -> None:
    pattern = f"first {pattern} * last"
    query = query_for(pattern, 7)
    assert query is not None
    parsed = LANGUAGE.parse(query)
    assert not parsed.told
    assert isinstance(parsed.tree, Term)
    assert isinstance(parsed.tree.test, AnyOf)
    [value] = parsed.tree.test.values
    assert isinstance(value, Glob)
    assert re.fullmatch(".*".join(map(re.escape, value.pieces)), pattern.replace(" * ", " any of these "), re.DOTALL)


def test_there_is_none_for_what_is_too_long() -> None:
    assert query_for("a" * 1_999, 1) is not None
    assert query_for("a" * 2_000, 1) is None
    assert query_for('"' * (MAX_CHARACTERS // 2), 1) is None
