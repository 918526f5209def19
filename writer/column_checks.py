"""Whether values fit their columns, a whole column at a time. Pure.

Checked before a batch is planned: what passes can be sent, so that an error while sending is never the data's fault.
"""

import re
from array import array
from collections.abc import Sequence
from typing import Any

from shared.formats.base import Columns
from shared.signals.base import Table

_NUMBERS = {
    **{f"UInt{bits}": code for bits, code in ((8, "B"), (16, "H"), (32, "I"), (64, "Q"))},
    **{f"Int{bits}": code for bits, code in ((8, "b"), (16, "h"), (32, "i"), (64, "q"))},
    "Float32": "f",
    "Float64": "d",
}
_TEXT = ("String", "LowCardinality(String)")
_TIME = re.compile(r"DateTime64\(\d(, *'[^']+')?\)")


class Misfit(Exception):
    """A value that its column can't hold; the text names the column and the reason."""


def unsupported(table: Table) -> list[str]:
    """Names of the columns whose type this writer can't check and therefore doesn't write."""
    return [column.name for column in table.columns if column.type not in _TEXT and not _code(column.type)]


def check(table: Table, columns: Columns, rows: int) -> None:
    """Raise `Misfit` unless every column is the table's, has `rows` values and can hold each of them."""
    types = {column.name: column.type for column in table.columns}
    for name, values in columns.items():
        if name not in types:
            raise Misfit(f"table {table.name} has no column {name}")
        if len(values) != rows:
            raise Misfit(f"{name} has {len(values)} values for {rows} rows")
        try:
            _check_text(values) if types[name] in _TEXT else array(_code(types[name]), values)
        except (TypeError, OverflowError, UnicodeEncodeError) as error:
            raise Misfit(f"{name}: {error}") from error


def _code(type: str) -> str:
    return "q" if _TIME.fullmatch(type) else _NUMBERS.get(type, "")


def _check_text(values: Sequence[Any]) -> None:
    """Text is str or bytes; str without lone surrogates, which UTF-8 can't hold. Joining is the fastest check."""
    try:
        joined = b"".join(values) if isinstance(values[0], bytes) else "".join(values)
    except TypeError:  # both kinds in one column, or something else
        joined = "".join(value for value in values if not isinstance(value, bytes))
    if isinstance(joined, str) and not joined.isascii():
        joined.encode()
