"""A query's tree as the condition of a WHERE clause."""

from typing import assert_never

from gateway.query.language.binding import Binding, Condition, Cost, Members
from gateway.query.language.field import Fields
from gateway.query.language.nodes import And, Node, Not, Or, Term, Text
from gateway.query.language.texts import contains, either


def condition(tree: Node, fields: Fields, members: Members | None = None, name: str = "q") -> Condition:
    """The condition of a checked tree. `members`: the fingerprints that were merged with one (`Group`). `name`: begins
    the names of its values."""
    bind = Binding(name, members) if members else Binding(name)
    return Condition(_sql(tree, fields, bind), bind.values, cost(tree, fields))


def cost(tree: Node, fields: Fields) -> Cost:
    """What the tree needs to look at."""
    match tree:
        case Text():
            return Cost.TEXT
        case Term(name):
            return fields[name].cost
        case Not(node):
            return cost(node, fields)
        case And(nodes) | Or(nodes):
            return max((cost(node, fields) for node in nodes), default=Cost.ROLLUP)
    assert_never(tree)


def _sql(tree: Node, fields: Fields, bind: Binding) -> str:
    match tree:
        case Text(text):
            return contains(fields.text, text, bind)
        case Term(name, test):
            return fields[name].kind.sql(test, bind)
        case Not(node):
            return f"(NOT {_sql(node, fields, bind)})"
        case And(nodes):
            return f"({' AND '.join(_sql(node, fields, bind) for node in nodes)})" if nodes else "1"
        case Or(nodes):
            return either([_sql(node, fields, bind) for node in nodes])
    assert_never(tree)
