"""What the errors of a group are made up of, as bars (pages.md, "One error")."""

from typing import NamedTuple

from gateway.query.errors.detail import ErrorDetail
from gateway.query.errors.parts import MOST as MOST_KNOWN
from gateway.query.errors.parts import Part
from gateway.query.language import Node, term
from gateway.query.language.nodes import Term
from gateway.query.pages.facet import pick_links
from gateway.query.pages.view import View

MOST = 5

_KINDS = (
    ("release", "releases", "release"),
    ("environment", "environments", "environment"),
    ("service", "services", "service"),
    ("user", "users", "user"),
    ("level", "levels", "level"),
)
"""Heading, where the group names its values, and the field that finds them."""


class Value(NamedTuple):
    """`percent`: of all that are found. `only`, `exclude`: where to narrow the search; '' for nothing to search for."""

    text: str
    errors: int
    percent: float
    only: str
    exclude: str


class Breakdown(NamedTuple):
    """`more`: values that are not shown; `is_all`: whether there are no others."""

    name: str
    values: list[Value]
    more: int
    is_all: bool


def breakdowns(view: View, tree: Node, group: ErrorDetail) -> list[Breakdown]:
    """Of each kind the values with most errors. A kind that no error has is left out."""
    found = []
    for name, attribute, field in _KINDS:
        parts: list[Part] = getattr(group.parts, attribute)
        if any(part.value is not None for part in parts):
            values = [_value(view, tree, field, part, group.found.count) for part in parts[:MOST]]
            found.append(Breakdown(name, values, max(0, len(parts) - MOST), len(parts) < MOST_KNOWN))
    return found


def _value(view: View, tree: Node, field: str, part: Part, of: int) -> Value:
    percent = round(100 * part.count / max(1, of), 1)
    if part.value is None:
        return Value("none", part.count, percent, "", "")
    node = term(field, part.value)
    links = pick_links(view, tree, node) if isinstance(node, Term) else {"only": "", "exclude": ""}
    return Value(part.value, part.count, percent, links["only"], links["exclude"])
