"""The WHERE clause of a `LogQuery`.

Every clause begins with the project and, where times are given, bounds `timestamp` and `received_at`. Project and
timestamp are the primary key; tables are partitioned by `received_at`, and a timestamp is at most 10 minutes later.
"""

from gateway.query.language import EVERYTHING, Condition, Cost, Node, condition
from gateway.query.language.binding import Binding
from gateway.query.language.field import ATTRIBUTE
from gateway.query.language.nodes import AnyOf, Exact, Term, Text, all_of, term
from gateway.query.language.texts import Words
from gateway.query.logs.fields import FIELDS
from gateway.query.logs.filters import LogQuery
from gateway.query.range import within
from shared.signals.logs import LOGS

_LIMITS = {column.name: column.limit for column in LOGS.columns}
_ROLLED_UP = ("service", "environment")


def matching(project_id: str, query: LogQuery) -> list[Condition]:
    """The rows that a query counts: all of its conditions except its place in the order."""
    tree = _tree(query)
    asked = [] if tree == EVERYTHING else [condition(tree, FIELDS)]
    found = [Condition("project_id = %(project_id)s", {"project_id": project_id})]
    found += within(query.start, query.end, beside=asked)
    found += [_equal(column, value) for column, value in query.equal]
    if query.as_of is not None:
        found.append(query.as_of.condition)
    return [*found, *asked]


def _tree(query: LogQuery) -> Node:
    """`levels`, `search` and the attributes of a query as if they stood in `q`, and `q`."""
    nodes: list[Node] = []
    if query.levels:
        nodes.append(Term("level", AnyOf(tuple(map(Exact, query.levels)))))
    if query.search is not None:
        nodes.append(Text(query.search))
    nodes += [term(ATTRIBUTE + key, value) for key, value in query.attributes]
    return all_of([*nodes, query.q])


def _equal(column: str, value: str) -> Condition:
    """The parameter of a column. It is no term: `user:` looks at addresses too, `user_id` does not."""
    bind = Binding(column)
    sql = Words(column, _LIMITS[column]).sql(AnyOf((Exact(value),)), bind)
    return Condition(sql, bind.values, Cost.ROLLUP if column in _ROLLED_UP else Cost.COLUMNS)
