"""What calls to models can be grouped by: a column, or an attribute."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.query.language import Cost
from gateway.query.language.attributes import Attribute
from gateway.query.language.binding import Binding, stored
from gateway.query.language.field import ATTRIBUTE
from gateway.query.parameters import Parameters

COLUMNS = ("model", "provider", "operation", "service", "release", "environment")

MAX_DIMENSIONS = 3
MAX_PARTS = 50
"""Of an attribute's dotted path."""


@dataclass(frozen=True)
class Dimension:
    """`sql`: the expression of a text, '' for none."""

    name: str
    sql: str
    values: Mapping[str, Any] = field(default_factory=dict)
    cost: Cost = Cost.COLUMNS


def parse_dimensions(given: Parameters) -> tuple[Dimension, ...]:
    """`group_by`: words with commas between them; the model where there are none. What can't be used becomes an issue
    of `given`."""
    names = given.words("group_by", COLUMNS, prefix=ATTRIBUTE) or ["model"]
    if len(names) > MAX_DIMENSIONS:
        message = f"Value error, group by at most {MAX_DIMENSIONS}"
        given.refuse("group_by", "value_error", message, ",".join(names))
    for name in names:
        if name.count(".") > MAX_PARTS:
            given.refuse("group_by", "value_error", f"Value error, a path has at most {MAX_PARTS} parts", name)
    return tuple(_dimension(name, n) for n, name in enumerate(names[:MAX_DIMENSIONS]))


def _dimension(name: str, n: int) -> Dimension:
    if not name.startswith(ATTRIBUTE):
        return Dimension(name, name)
    bind = Binding(f"dimension_{n}")
    sql = Attribute(stored(name.removeprefix(ATTRIBUTE))).value_sql(bind)
    return Dimension(name, sql, bind.values, Cost.ATTRIBUTES)
