"""By which values the logs that `q` finds differ from others (reading.md, "Compare")."""

from dataclasses import replace
from typing import Any

import msgspec

from gateway.query.asked import Asked, parse_asked
from gateway.query.language import EVERYTHING, Node, condition, render
from gateway.query.language.nodes import Present, Term, negated, term
from gateway.query.language.parameter import parse_q
from gateway.query.logs.compare.statement import MAX_LOGS, statement
from gateway.query.logs.compare.values import COLUMNS
from gateway.query.logs.fields import FIELDS, LANGUAGE
from gateway.query.parameters import Parameters
from gateway.query.question import Question
from gateway.query.range import within
from gateway.query.reader import LOOKS_INTO_TEXT, Reader, Rows
from gateway.query.shape import Time
from gateway.query.source import Source
from gateway.query.stored import text_of
from gateway.query.times import format_time
from shared.signals.logs import LOGS

MAX_LIMIT = 200


class Compared(msgspec.Struct, frozen=True):
    """How many logs of a set were compared, the newest ones. `sampled`: it may have more. `oldest`: of those that were
    compared."""

    logs: int
    sampled: bool
    oldest: Time | None


class Difference(msgspec.Struct, frozen=True):
    """A value that one set has more often. `value` is null for none. `share`: of the logs that were compared. `score`:
    by how much the shares differ at least. `q`: a query that finds it."""

    field: str
    value: str | None
    count: int
    against_count: int
    share: float
    against_share: float
    score: float
    q: str


class Comparison(msgspec.Struct, frozen=True):
    """The greatest difference comes first."""

    found: Compared
    against: Compared
    differences: list[Difference]


class CompareQuery(msgspec.Struct, frozen=True):
    asked: Asked
    against: Node
    limit: int


def parse_compare(given: Parameters) -> CompareQuery:
    """Raises `BadQuery`."""
    asked = parse_asked(given, LANGUAGE)
    against = parse_q(given, LANGUAGE, "against")
    query = CompareQuery(
        asked=replace(asked, hints=(*asked.hints, *against.told)),
        against=against.tree if given.text("against") else negated(asked.q),
        limit=given.integer("limit", 50, least=1, most=MAX_LIMIT),
    )
    given.finish()
    return query


async def find_comparison(reader: Reader, project_id: str, query: CompareQuery) -> Comparison:
    """Raises `TooBig`, `Unavailable`."""
    trees = (query.asked.q, query.against)
    sets = [_set(reader, project_id, query.asked, tree, f"set_{n}") for n, tree in enumerate(trees)]
    values: dict[str, Any] = {"rows": query.limit + 1}
    for each in sets:
        values |= each.values
    return await reader.read(_comparison, statement(sets), values, project_id=project_id, settings=LOOKS_INTO_TEXT)


def _set(reader: Reader, project_id: str, asked: Asked, tree: Node, name: str) -> Source:
    found = [] if tree == EVERYTHING else [condition(tree, FIELDS, name=name)]
    return Source.of(
        reader.database, LOGS.name, project_id, [*within(*asked.range, beside=found), *found, *asked.state]
    )


def _comparison(rows: Rows) -> Comparison:
    if not rows:
        return Comparison(_compared(0, 0), _compared(0, 0), [])
    (_, _, logs, others, _, oldest, others_oldest), *differences = rows
    return Comparison(
        _compared(logs, oldest),
        _compared(others, others_oldest),
        [_difference(row, logs, others) for row in differences],
    )


def _compared(logs: int, oldest: int) -> Compared:
    return Compared(logs, logs == MAX_LOGS, format_time(oldest) if logs else None)


def _difference(row: tuple[Any, ...], logs: int, others: int) -> Difference:
    field, value, a, b, score, *_ = row
    text = text_of(value)
    return Difference(
        field=(name := text_of(field)),
        value=text or None,
        count=a,
        against_count=b,
        share=a / logs if logs else 0.0,
        against_share=b / others if others else 0.0,
        score=score,
        q=render(_node(name, text)),
    )


def _node(field: str, value: str) -> Node:
    if value or field not in COLUMNS:
        return term(field, value)
    return negated(Term(field, Present()))


COMPARE = Question(
    "/logs/compare",
    "By which values two sets of logs differ",
    parse_compare,
    find_comparison,
    Comparison,
    {"against": "What the logs of `q` are compared with, another query; without it all others of the range."},
)
