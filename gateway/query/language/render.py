"""A tree as the text of a query, the same text for the same tree: what stands in an address."""

from typing import assert_never

from gateway.query.language.field import ATTRIBUTE
from gateway.query.language.grammar import BARE_KEY, BARE_SCALAR, BARE_WORD, OPERATORS, quoted
from gateway.query.language.nodes import (
    And,
    AnyOf,
    Between,
    Compare,
    Exact,
    Glob,
    Node,
    Not,
    Or,
    Present,
    Term,
    Test,
    Text,
)


def render(tree: Node) -> str:
    """The query that `Language.parse` reads as this tree. A text that could be read as a field stands in quotes."""
    match tree:
        case Text(text):
            return _word(text)
        case Term(field, test):
            return f"{_field(field)}:{_test(test)}"
        case Not(node):
            return f"-{_inner(node)}"
        case And(nodes):
            return " ".join(map(_inner, nodes))
        case Or(nodes):
            return " OR ".join(map(_inner, nodes))
    assert_never(tree)


def _inner(node: Node) -> str:
    return f"({render(node)})" if isinstance(node, And | Or) else render(node)


def _word(text: str) -> str:
    bare = BARE_WORD.fullmatch(text) and text not in OPERATORS and ":" not in text
    return text if bare else quoted(text)


def _field(name: str) -> str:
    key = name.removeprefix(ATTRIBUTE)
    return name if key == name or BARE_KEY.fullmatch(key) else f"{ATTRIBUTE}{quoted(key)}"


def _test(test: Test) -> str:
    match test:
        case AnyOf((value,)):
            return _value(value)
        case AnyOf(values):
            return f"({' OR '.join(map(_value, values))})"
        case Compare(operator, value):
            return f"{operator}{value}"
        case Between(low, high):
            return f"[{low} TO {high}]"
        case Present():
            return "*"
    assert_never(test)


def _value(value: Exact | Glob) -> str:
    if isinstance(value, Glob):
        return value.pattern
    text = value.text
    bare = BARE_SCALAR.fullmatch(text) and "*" not in text and text not in OPERATORS and not text.startswith("//")
    return text if bare else quoted(text)
