"""Our tree of lark's. A term that can't be meant as it is written is a text, and a hint says why."""

import re
from typing import Any

from lark import Token, v_args
from lark.tree import Meta
from lark.visitors import Transformer_NonRecursive

from gateway.query.language.field import ATTRIBUTE, Fields
from gateway.query.language.grammar import unquoted
from gateway.query.language.kinds import Unfit
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

MAX_HINTS = 5

_OPERATORS: dict[str, Operator] = {">=": ">=", "<=": "<=", ">": ">", "<": "<"}
_LIKE_A_FIELD = re.compile(r"([A-Za-z_][\w.@$-]*):(?!//)[^:]")
_ANYTHING = re.compile(r"\*+")


class TreeOf(Transformer_NonRecursive[Token, Node]):
    """`source` is the text that lark read. The names of the methods are the grammar's; lark calls them from the leaves
    up, without recursion."""

    def __init__(self, source: str, fields: Fields) -> None:
        super().__init__()
        self.hints: list[str] = []
        self._source = source
        self._fields = fields

    def either(self, nodes: list[Node]) -> Node:
        return any_of(nodes)

    def every(self, nodes: list[Node]) -> Node:
        return all_of(nodes)

    def negated(self, nodes: list[Node]) -> Node:
        return negated(nodes[0])

    def word(self, tokens: list[Token]) -> Node:
        word = str(tokens[0])
        found = _LIKE_A_FIELD.match(word)
        if found:
            self._hint(f"{found[1]}: no such field; {self._fields.meant_by(found[1])}?")
        return Text(word)

    def phrase(self, tokens: list[Token]) -> Node:
        return Text(unquoted(tokens[0]))

    @v_args(meta=True)
    def field(self, meta: Meta, children: list[Any]) -> Node:
        written, test = str(children[0])[:-1], children[1]
        field = self._fields[_name(written)]
        try:
            return Term(field.name, field.kind.check(test))
        except Unfit as unfit:
            self._hint(f"{written}: {unfit}")
            return Text(self._source[meta.start_pos : meta.end_pos])

    def compare(self, tokens: list[Token]) -> Test:
        return Compare(_OPERATORS[tokens[0]], str(tokens[1]))

    def between(self, tokens: list[Token]) -> Test:
        return Between(str(tokens[0]), str(tokens[1]))

    def values(self, tokens: list[Token]) -> Test:
        values = tuple(map(_value, tokens))
        if any(isinstance(value, Glob) and _ANYTHING.fullmatch(value.pattern) for value in values):
            return Present()
        return AnyOf(values)

    def _hint(self, hint: str) -> None:
        if len(self.hints) < MAX_HINTS:
            self.hints.append(hint)


def _name(written: str) -> str:
    """The name of a field; the key of an attribute may stand between quotes."""
    if written.startswith(f'{ATTRIBUTE}"'):
        return ATTRIBUTE + unquoted(written.removeprefix(ATTRIBUTE))
    return written


def _value(token: Token) -> Exact | Glob:
    if token.type == "PHRASE":
        return Exact(unquoted(token))
    return Glob(str(token)) if "*" in token else Exact(str(token))
