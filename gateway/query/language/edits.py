"""What a click changes in a query: each returns the new tree."""

from gateway.query.language.nodes import And, Node, Term, all_of, negated


def add(tree: Node, node: Node) -> Node:
    """Also this. The same node excluded goes."""
    return _with(tree, node, gone=(node, negated(node)))


def exclude(tree: Node, node: Node) -> Node:
    """Not this. The same node asked for goes."""
    return add(tree, negated(node))


def remove(tree: Node, node: Node) -> Node:
    """Without this part of the query, if it is one."""
    return all_of(part for part in parts(tree) if part != node)


def only(tree: Node, term: Term) -> Node:
    """This and no other value of the field."""
    of_field = (part for part in parts(tree) if isinstance(part, Term) and part.field == term.field)
    return _with(tree, term, gone=(*of_field, negated(term)))


def parts(tree: Node) -> tuple[Node, ...]:
    """What is ANDed at the top of a query."""
    return tree.nodes if isinstance(tree, And) else (tree,)


def _with(tree: Node, node: Node, gone: tuple[Node, ...]) -> Node:
    return all_of([*(part for part in parts(tree) if part not in gone), *parts(node)])
