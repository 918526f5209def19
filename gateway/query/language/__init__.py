"""The query language: one line of text, the same on every page, route and alert (reading.md, "The query language").

`Language(fields).parse(text)` makes a tree, `condition` the SQL of it, `render` its text again; `edits` change it.
"""

from gateway.query.language.binding import Condition, Cost
from gateway.query.language.field import Field, Fields
from gateway.query.language.language import Language, Parsed, TooLong
from gateway.query.language.nodes import EVERYTHING, Node, term
from gateway.query.language.render import render
from gateway.query.language.sql import condition

__all__ = [
    "EVERYTHING",
    "Condition",
    "Cost",
    "Field",
    "Fields",
    "Language",
    "Node",
    "Parsed",
    "TooLong",
    "condition",
    "render",
    "term",
]
