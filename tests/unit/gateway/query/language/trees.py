"""Hypothesis strategies: any tree over the fields of logs, in its one form and with values as they are checked."""

from hypothesis import strategies as st

from gateway.query.language.nodes import (
    AnyOf,
    Between,
    Compare,
    Exact,
    Glob,
    Node,
    Operator,
    Present,
    Term,
    Test,
    Text,
    all_of,
    any_of,
    negated,
)
from shared.formats.levels import LEVELS

OPERATORS: list[Operator] = [">=", "<=", ">", "<"]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
spiky = st.text(st.sampled_from('ab -:"\\*()[]<>/.@\n'), max_size=8)
anything = texts | spiky | st.sampled_from(["OR", "AND", "NOT", "TO", "level:error", "//x", "-", "--x", "attr.x:1"])
globs = st.from_regex(r"[a-z.@:<>\[-]{0,3}\*[a-z.*]{0,3}", fullmatch=True).filter(
    lambda text: text.strip("*") and text[0] not in "<>["
)
values = st.builds(Exact, anything) | st.builds(Glob, globs)
numbers = st.sampled_from(["3", "-7", "2.5", "1e3", "0"])


def any_value(value: st.SearchStrategy[Exact | Glob]) -> st.SearchStrategy[Test]:
    return st.lists(value, min_size=1, max_size=3).map(lambda found: AnyOf(tuple(found))) | st.just(Present())


def ordered(value: st.SearchStrategy[str]) -> st.SearchStrategy[Test]:
    return st.builds(Compare, st.sampled_from(OPERATORS), value) | st.builds(Between, value, value)


levels = any_value(st.builds(Exact, st.sampled_from(LEVELS))) | ordered(st.sampled_from(LEVELS))
fields = st.sampled_from(["service", "environment", "user", "trace", "logger", "message", "request", "file"])
keys = anything.filter(bool).map("attr.{}".format)
leaves: st.SearchStrategy[Node] = (
    st.builds(Text, anything)
    | st.builds(Term, st.just("level"), levels)
    | st.builds(Term, fields, any_value(values))
    | st.builds(Term, keys, any_value(values) | ordered(numbers))
)


def _combined(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(inner, min_size=2, max_size=4)
    return several.map(all_of) | several.map(any_of) | inner.map(negated)


trees = st.recursive(leaves, _combined, max_leaves=10)
