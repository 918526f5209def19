"""The most common values of fields (reading.md, "Facets")."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import msgspec

from gateway.query.asked import Asked, parse_asked
from gateway.query.dimensions import Dimension, parse_dimensions
from gateway.query.logs.counted import Count, count_logs
from gateway.query.logs.fields import FIELDS, LANGUAGE
from gateway.query.logs.newest import sample
from gateway.query.logs.plan import BUDGET, parse_budget
from gateway.query.logs.rollup import COUNTED
from gateway.query.logs.values import Values
from gateway.query.parameters import Parameters
from gateway.query.question import Question
from gateway.query.reader import Reader
from gateway.query.shape import Time
from gateway.query.times import format_time

MAX_FIELDS = 10
MAX_TOP = 100

_USUAL = tuple(Dimension(name, f"`{name}`") for name in COUNTED)
_COLUMNS = {field.name: field.kind.columns for field in FIELDS}
_EXPRESSIONS = {
    name: f"`{first}`" if not more else f"if(notEmpty(`{first}`), `{first}`, `{more[0]}`)"
    for name, (first, *more) in _COLUMNS.items()
}


class Facets(msgspec.Struct, frozen=True):
    """In the order in which they were asked for."""

    fields: list["Facet"]


class Facet(msgspec.Struct, frozen=True):
    """The most common values, of equal ones the first by name, of the logs from `searched_to` on. `sampled`: how many
    logs were looked at, where that is a sample; null for a count of all."""

    name: str
    values: list["Value"]
    sampled: int | None
    searched_to: Time


class Value(msgspec.Struct, frozen=True):
    """`value`: null for logs without one."""

    value: str | None
    count: int


class FacetsQuery(msgspec.Struct, frozen=True):
    asked: Asked
    fields: tuple[Dimension, ...]
    top: int
    budget: int


def parse_facets(given: Parameters) -> FacetsQuery:
    """Raises `BadQuery`."""
    query = FacetsQuery(
        asked=parse_asked(given, LANGUAGE),
        fields=parse_dimensions(given, "fields", _EXPRESSIONS, MAX_FIELDS) or _USUAL,
        top=given.integer("top", 20, least=1, most=MAX_TOP),
        budget=parse_budget(given),
    )
    given.finish()
    return query


async def find_facets(reader: Reader, project_id: str, query: FacetsQuery, count: Count = count_logs) -> Facets:
    """Raises `TooBig`, `Unavailable`."""
    exact = [field for field in query.fields if field.name in COUNTED]
    others = [field for field in query.fields if field.name not in COUNTED]
    found = {facet.name: facet for facet in await _counted(reader, project_id, query, exact, count)}
    found |= {facet.name: facet for facet in await _sampled(reader, project_id, query, others)}
    return Facets([found[field.name] for field in query.fields])


async def _counted(
    reader: Reader, project_id: str, query: FacetsQuery, fields: Sequence[Dimension], count: Count
) -> list[Facet]:
    if not fields:
        return []
    keys = [field.sql for field in fields]
    counted = await count(reader, project_id, query.asked, lambda _: keys, query.budget)

    def facets() -> list[Facet]:
        values: list[Counter[str]] = [Counter() for _ in fields]
        for key, logs in counted.counts.items():
            for each, value in zip(values, key, strict=True):
                each[value] += logs
        return _facets(fields, values, query.top, None, counted.searched_to)

    return await asyncio.to_thread(facets)


async def _sampled(reader: Reader, project_id: str, query: FacetsQuery, fields: Sequence[Dimension]) -> list[Facet]:
    if not fields:
        return []
    values = Values(reader, fields)
    sampled = await sample(reader, project_id, query.asked, values.look, query.budget)
    rows = None if sampled.all else sampled.rows
    return await asyncio.to_thread(_facets, fields, values.counts, query.top, rows, sampled.searched_to)


def _facets(
    fields: Sequence[Dimension], counts: Sequence[Counter[str]], top: int, sampled: int | None, to: int
) -> list[Facet]:
    return [
        Facet(field.name, _most_common(values, top), sampled, format_time(to))
        for field, values in zip(fields, counts, strict=True)
    ]


def _most_common(counts: Counter[str], top: int) -> list[Value]:
    common = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:top]
    return [Value(value or None, count) for value, count in common]


FACETS = Question(
    "/logs/facets",
    "The most common values of fields",
    parse_facets,
    find_facets,
    Facets,
    {
        "fields": "Whose values: at most ten fields of a query, `attr.<key>` too; else level, service and environment.",
        "top": "How many values of each.",
        "budget": BUDGET,
    },
)
