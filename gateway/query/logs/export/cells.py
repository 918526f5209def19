"""A column's values as cells of CSV."""

from collections.abc import Callable
from typing import Any

from gateway.query.logs.columns import REF, is_time
from gateway.query.place import encode_place
from gateway.query.stored import text_of
from gateway.query.times import format_time

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet may take a cell that begins with one of these for a formula, and run it."""

Cell = Callable[[Any], str]


def cell_of(name: str, *, guarded: bool) -> Cell:
    """How a column's value is written: JSON and text as they are stored, nothing for what is absent. `guarded`: with a
    `'` before what begins like a formula."""
    if is_time(name):
        return format_time
    if name == REF:
        return encode_place
    if name == "line_number":
        return lambda number: str(number or "")
    return _guarded if guarded else _text


def _text(value: Any) -> str:
    return str(value) if isinstance(value, int | float) else text_of(value)


def _guarded(value: Any) -> str:
    text = _text(value)
    return f"'{text}" if text.startswith(FORMULA) else text
