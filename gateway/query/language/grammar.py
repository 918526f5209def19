"""The grammar of a query, for lark's LALR parser (reading.md, "The query language")."""

import re
from collections.abc import Iterable

from lark import Lark

_GRAMMAR = r"""
?either: every (_OR every)*
?every: one (_AND? one)*
?one: _NOT one                      -> negated
    | "(" either ")"
    | FIELD test                    -> field
    | PHRASE                        -> phrase
    | WORD                          -> word
?test: COMPARE SCALAR               -> compare
    | "[" SCALAR _TO SCALAR "]"     -> between
    | "(" (SCALAR|PHRASE) (_OR? (SCALAR|PHRASE))* ")" -> values
    | SCALAR                        -> values
    | PHRASE                        -> values

FIELD.3: /(?:NAMES|attr\.(?:[A-Za-z0-9_@][\w.@$\/-]*|"(?:\\.|[^"\\])+")):(?!\/\/)/s
_OR.4: /OR(?![^\s()])/
_AND.4: /AND(?![^\s()])/
_NOT.4: /NOT(?![^\s()])|-(?=[^\s-])/
_TO.4: /TO(?![^\s()\]])/
COMPARE.2: />=|<=|>|</
PHRASE: /"(?:\\.|[^"\\])*"/s
SCALAR: /[^\s()"\[\]<>][^\s()"\]]*/
WORD: /[^\s()"-][^\s()"]*/
%ignore /\s+/
"""
"""A field name before `//` is the scheme of an address that somebody pasted."""

COUNTED = {"SCALAR": 1, "PHRASE": 1, "WORD": 1, "_TO": -1}
"""How many terms a token makes: a word, a value, a range."""

BARE_WORD = re.compile(r'[^\s()"-][^\s()"]*')
BARE_SCALAR = re.compile(r'[^\s()"\[\]<>][^\s()"\]]*')
BARE_KEY = re.compile(r"[A-Za-z0-9_@][\w.@$/-]*")
"""What needs no quotes: the forms of WORD, SCALAR and an attribute's key."""

OPERATORS = frozenset({"OR", "AND", "NOT", "TO"})


def parser_of(names: Iterable[str]) -> Lark:
    """The parser of queries over fields of these names."""
    return Lark(
        _GRAMMAR.replace("NAMES", "|".join(map(re.escape, names))),
        start="either",
        parser="lalr",
        propagate_positions=True,
    )


def quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def unquoted(phrase: str) -> str:
    """The text of a phrase. A backslash is itself, except before a quote or another one."""
    return re.sub(r'\\(["\\])', r"\1", phrase[1:-1])
