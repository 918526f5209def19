"""Links to the rows that a found query finds, beside what is asked for already."""

from gateway.query.language import Node, render
from gateway.query.language.edits import add, exclude
from gateway.query.language.language import TooLong
from gateway.query.logs.fields import LANGUAGE
from gateway.query.pages.view import View


def pick_found(view: View, tree: Node, q: str | None) -> dict[str, str]:
    """`only`: its rows; `exclude`: this tab without them. Empty for no query, or one that can't be read back."""
    if q is None:
        return {}
    try:
        node = LANGUAGE.parse(q).tree
    except TooLong:
        return {}
    return {"only": view.url("logs", q=render(add(tree, node))), "exclude": view.url(q=render(exclude(tree, node)))}
