"""Rows of one table under construction, encoded portion by portion."""

from array import array
from collections.abc import Mapping, Sequence
from typing import Any

from shared.formats.base import Columns
from shared.signals.base import Column, Table
from writer.wire.column import WireColumn
from writer.wire.low import Low
from writer.wire.number import Number, code_of
from writer.wire.text import Text

_TEXTS: Mapping[str, type[WireColumn]] = {"String": Text, "LowCardinality(String)": Low}


class Misfit(Exception):
    """A value that its column can't hold; the text names the column and the reason."""


def unsupported(table: Table) -> list[str]:
    """Names of the columns whose type this writer can't encode and therefore doesn't write."""
    return [column.name for column in table.columns if column.type not in _TEXTS and not code_of(column.type)]


class Block:
    """Rows of a table, as bytes.

    1. A portion is appended whole or not at all.
    2. What was appended can be sent: no error while sending is the data's fault.
    3. A column whose values are all empty has no bytes: ClickHouse's default is the same.
    """

    def __init__(self, table: Table) -> None:
        self.rows = 0
        self.columns: dict[str, WireColumn] = {}
        """Those that are sent."""
        self._table = table
        self._kinds = {column.name: column for column in table.columns}

    def append(self, columns: Columns, n: int) -> None:
        """Add `n` rows, at least one; a column that is left out gets its default.

        Raises `Misfit`, or `Unusual` for text that can be made to fit.
        """
        fresh: dict[str, WireColumn] = {}
        try:
            encoded = {
                name: self._encoded(name, values, n, fresh)
                for name, values in columns.items()
                if not self._is_default(name, values)
            }
        except BaseException:
            for column in self.columns.values():
                column.forget()
            raise
        self.columns |= fresh
        for name, column in self.columns.items():
            if name in encoded:
                column.append(encoded[name], n)
            else:
                column.fill(n)
        self.rows += n

    def numbers(self, name: str) -> "array[int]":
        """The values of a column of whole numbers or times."""
        column = self.columns.get(name)
        if column is None:
            column = self._made(self._kinds[name])
        assert isinstance(column, Number)
        return column.array

    def select(self, rows: Sequence[int]) -> "Block":
        """A block of some of the rows."""
        picked = Block(self._table)
        picked.columns = {name: column.select(rows) for name, column in self.columns.items()}
        picked.rows = len(rows)
        return picked

    def _is_default(self, name: str, values: Sequence[Any]) -> bool:
        """Whether all values are empty. In a column with a limit each must have a length even so."""
        if any(values):
            return False
        kind = self._kinds.get(name)
        try:
            return kind is None or kind.limit is None or max(map(len, values)) == 0
        except TypeError as error:
            raise Misfit(f"{name}: {error}") from error

    def _encoded(self, name: str, values: Sequence[Any], n: int, fresh: dict[str, WireColumn]) -> Any:
        kind = self._kinds.get(name)
        if kind is None:
            raise Misfit(f"table {self._table.name} has no column {name}")
        if len(values) != n:
            raise Misfit(f"{name} has {len(values)} values for {n} rows")
        column = self.columns.get(name)
        if column is None:
            column = fresh[name] = self._made(kind)
        try:
            return _encode(column, values, kind)
        except (TypeError, OverflowError, UnicodeEncodeError) as error:
            raise Misfit(f"{name}: {error}") from error

    def _made(self, kind: Column) -> WireColumn:
        """A new column, filled for the rows that are there already."""
        column = _TEXTS.get(kind.type, Number)(kind.type, kind.limit)
        if self.rows:
            column.fill(self.rows)
        return column


def _encode(column: WireColumn, values: Sequence[Any], kind: Column) -> Any:
    """The encoded values; one that is empty, as None, is the default. In a column with a limit it must be a text."""
    try:
        return column.encode(values)
    except TypeError:
        if kind.limit is not None:
            raise
        return column.encode([value or kind.default for value in values])
