"""What rows can be told apart by: a column, or an attribute."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.query.language import Cost
from gateway.query.language.attributes import Attribute
from gateway.query.language.binding import Binding, stored
from gateway.query.language.field import ATTRIBUTE
from gateway.query.parameters import Parameters

MAX_PARTS = 50
"""Of an attribute's dotted path."""


@dataclass(frozen=True)
class Dimension:
    """`sql`: the expression of a text, '' for none."""

    name: str
    sql: str
    values: Mapping[str, Any] = field(default_factory=dict)
    cost: Cost = Cost.COLUMNS


def parse_dimensions(given: Parameters, parameter: str, columns: Mapping[str, str], most: int) -> tuple[Dimension, ...]:
    """Words with commas between them: names of columns and `attr.<key>`. `columns`: name -> expression. What can't be
    used becomes an issue of `given`."""
    names = given.words(parameter, columns, prefix=ATTRIBUTE)
    if len(names) > most:
        given.refuse(parameter, "value_error", f"Value error, name at most {most}", ",".join(names))
    for name in names:
        if name not in columns and name.count(".") > MAX_PARTS:
            given.refuse(parameter, "value_error", f"Value error, a path has at most {MAX_PARTS} parts", name)
    return tuple(_dimension(name, n, columns) for n, name in enumerate(names[:most]))


def _dimension(name: str, n: int, columns: Mapping[str, str]) -> Dimension:
    if name in columns:
        return Dimension(name, columns[name])
    bind = Binding(f"dimension_{n}")
    sql = Attribute(stored(name.removeprefix(ATTRIBUTE))).value_sql(bind)
    return Dimension(name, sql, bind.values, Cost.ATTRIBUTES)
