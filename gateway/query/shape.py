"""Rows of a table as structs of an answer: a field is written as its type says."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar, get_type_hints

import msgspec

from gateway.query.stored import json_of, text_of
from gateway.query.times import format_time

Time = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""A time as answers have it."""

Json = Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema={"type": ["object", "array", "null"]})]
"""Stored JSON as it is; null for none."""

NO_JSON = msgspec.Raw(b"null")

R = TypeVar("R", bound=msgspec.Struct)


class Shape(Generic[R]):
    """What to select for a struct, and how it is made of what comes.

    `expressions`: field -> its expression where it is not the column of its name; of a `Time` it is a DateTime64(6).
    `large`: fields that may be large.
    """

    def __init__(self, kind: type[R], expressions: Mapping[str, str] | None = None, large: Iterable[str] = ()) -> None:
        hints = get_type_hints(kind, include_extras=True)
        named = expressions or {}
        self._kind = kind
        self._cells = [_cell(hint) for hint in hints.values()]
        self.values = [_selected(named.get(name, f"`{name}`"), hint) for name, hint in hints.items()]
        self.large = [n for n, name in enumerate(hints) if name in set(large)]

    @property
    def select(self) -> str:
        return ", ".join(self.values)

    def row(self, values: Sequence[Any]) -> R:
        """The struct of a row. Values beyond its fields are left out."""
        return self._kind(*(cell(value) for cell, value in zip(self._cells, values, strict=False)))

    def rows(self, rows: Iterable[Sequence[Any]]) -> list[R]:
        return [self.row(values) for values in rows]


def _selected(expression: str, hint: Any) -> str:
    """Times come as microseconds, because datetime objects are slow."""
    return f"toUnixTimestamp64Micro({expression})" if hint in (Time, Time | None) else expression


def _cell(hint: Any) -> Callable[[Any], Any]:
    if hint == Time:
        return format_time
    if hint == Time | None:
        return lambda moment: None if moment is None else format_time(moment)
    if hint == Json:
        return lambda text: json_of(text) if text else NO_JSON
    if hint is str:
        return text_of
    if hint == str | None:
        return lambda text: text_of(text) if text else None
    if hint == list[str]:
        return lambda texts: list(map(text_of, texts))
    return bool if hint is bool else _same


def _same(value: Any) -> Any:
    return value
