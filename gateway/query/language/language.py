"""Reads a query. What isn't one is searched as the text that it is."""

from dataclasses import dataclass

from lark import Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from gateway.query.language.field import Fields
from gateway.query.language.grammar import COUNTED, parser_of
from gateway.query.language.nodes import EVERYTHING, Node, Text
from gateway.query.language.tree import TreeOf

MAX_CHARACTERS = 2_048

MAX_TERMS = 50
"""Each is a condition for ClickHouse to parse."""

MAX_TOKENS = 350
"""Of all kinds. It bounds the time that a query takes to read, and how deep it is nested."""


class TooLong(ValueError):
    """The query is over one of the limits; the text says what to do."""


@dataclass(frozen=True)
class Parsed:
    """`plain`: why the query is searched as plain text, e.g. `unmatched ( at 12`; '' where it was understood.
    `hints`: what else its writer may want to know."""

    tree: Node
    plain: str = ""
    hints: tuple[str, ...] = ()

    @property
    def told(self) -> tuple[str, ...]:
        """All that its writer may want to know."""
        return (f"searched as plain text: {self.plain}",) if self.plain else self.hints


class _NoQuery(Exception):
    """The text is not a query; says why."""


class Language:
    """The queries about a table.

    1. `parse` returns a tree for any text, or raises `TooLong`; nothing else.
    2. Its time is bounded by the limits above, whatever the text.
    """

    def __init__(self, fields: Fields, table: str) -> None:
        self.fields = fields
        self.table = table
        self._parser = parser_of(fields.names)

    def parse(self, query: str) -> Parsed:
        """Raises `TooLong`."""
        if len(query) > MAX_CHARACTERS:
            raise TooLong(f"a query has at most {MAX_CHARACTERS:,} characters")
        if not query.strip():
            return Parsed(EVERYTHING)
        try:
            parsed = self._parse(query)
        except _NoQuery as why:
            return Parsed(Text(query.strip()), str(why))
        tree_of = TreeOf(query, self.fields)
        return Parsed(tree_of.transform(parsed), hints=tuple(tree_of.hints))

    def _parse(self, query: str) -> Tree[Token]:
        """lark's tree, token by token, so that it ends at the limits. Raises `_NoQuery`, `TooLong`."""
        reading = self._parser.parse_interactive(query)
        tokens: list[Token] = []
        terms = 0
        try:
            for token in reading.iter_parse():
                tokens.append(token)
                terms += COUNTED.get(token.type, 0)
                if terms > MAX_TERMS:
                    raise TooLong(f'a query has at most {MAX_TERMS} terms; put a pasted text between quotes: "..."')
                if len(tokens) > MAX_TOKENS:
                    raise _NoQuery("too many brackets and operators")
            parsed: Tree[Token] = reading.feed_token(Token.new_borrow_pos("$END", "", tokens[-1]))
        except UnexpectedInput as error:
            raise _NoQuery(_why(error, tokens)) from None
        return parsed


def _why(error: UnexpectedInput, tokens: list[Token]) -> str:
    """Where a text stops being a query. Places count from 1."""
    opened = _opened(tokens)
    if isinstance(error, UnexpectedToken):
        token = error.token
        if token.type == "$END":
            return f"unmatched {opened[0]} at {_place(opened[0])}" if opened else f"nothing follows {tokens[-1]}"
        alone = token.type in _CLOSING and not opened
        return f"{'unmatched' if alone else 'unexpected'} {token} at {_place(token)}"
    assert isinstance(error, UnexpectedCharacters)
    return f"{'unmatched' if error.char == chr(34) else 'unexpected'} {error.char} at {(error.pos_in_stream or 0) + 1}"


_OPENING, _CLOSING = ("LPAR", "LSQB"), ("RPAR", "RSQB")


def _opened(tokens: list[Token]) -> list[Token]:
    """The brackets that nothing closes."""
    opened: list[Token] = []
    for token in tokens:
        if token.type in _OPENING:
            opened.append(token)
        elif token.type in _CLOSING and opened:
            opened.pop()
    return opened


def _place(token: Token) -> int:
    return (token.start_pos or 0) + 1
