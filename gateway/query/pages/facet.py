"""The values of a field beside a list, and the links that narrow the list to them (pages.md, "Facets")."""

from collections.abc import Iterable
from typing import NamedTuple

from gateway.query.language import Node, render, term
from gateway.query.language.edits import add, exclude, only, parts, remove
from gateway.query.language.nodes import AnyOf, Exact, Present, Term, negated
from gateway.query.pages.view import View

MAX_LINKED = 500
"""Characters of a value that a link searches for."""


class Value(NamedTuple):
    """`rows`: None for not counted. `state`: `on` where the query asks for it, `off` where it excludes it, else ''.
    `rid`: the address without either."""

    text: str
    rows: int | None
    css: str
    state: str
    only: str
    exclude: str
    rid: str


class Facet(NamedTuple):
    """`note`: what the counts are of, where that is not all rows. `problem`: why there are none; '' where there are.
    `drop`: the address without this facet; '' for one that is always there."""

    name: str
    values: list[Value]
    note: str = ""
    problem: str = ""
    drop: str = ""


def facet_of(
    view: View, tree: Node, field: str, counts: Iterable[tuple[str, int | None]], *, note: str = "", css: str = ""
) -> Facet:
    """`counts`: value -> rows. A value that the query excludes has none, and is there all the same: it can be had back.
    `css`: class of all values, beside their own text. The value '' stands for none."""
    known = dict(counts)
    for node in map(_undone, parts(tree)):
        if value := _value_of(node, field):
            known.setdefault(value, None)
    values = [_value(view, tree, field, text, count, css) for text, count in known.items()]
    return Facet(field, values, note)


def pick_links(view: View, tree: Node, node: Node) -> dict[str, str]:
    """Where *only* and *not* lead."""
    alone = only(tree, node) if isinstance(node, Term) else add(tree, node)
    return {"only": _with(view, alone), "exclude": _with(view, exclude(tree, node))}


def _value(view: View, tree: Node, field: str, text: str, count: int | None, css: str) -> Value:
    node = term(field, text) if text else negated(Term(field, Present()))
    asked = parts(tree)
    state = "on" if node in asked else "off" if negated(node) in asked else ""
    links = pick_links(view, tree, node)
    rid = _with(view, remove(remove(tree, node), negated(node)))
    return Value(text, count, f"{css} {text}" if css else "", state, links["only"], links["exclude"], rid)


def _undone(node: Node) -> Node:
    positive = negated(node)
    return positive if isinstance(positive, Term) else node


def _value_of(node: Node, field: str) -> str | None:
    """The one value that a term asks for."""
    if not isinstance(node, Term) or node.field != field or not isinstance(node.test, AnyOf):
        return None
    match node.test.values:
        case (Exact(text),):
            return text
    return None


def _with(view: View, tree: Node) -> str:
    return view.url(q=render(tree))
