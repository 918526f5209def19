"""What the three kinds of columns share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Self


class Unusual(Exception):
    """Text that is longer than its column keeps, or holds NUL: `limit_text` must mend it first."""


class WireColumn(ABC):
    """One column under construction.

    A portion of values is first encoded, and then appended when all columns of its rows could be encoded. Encoding is
    the check: what is encoded can be sent.
    """

    def __init__(self, type: str, limit: int | None = None) -> None:
        """`type` as ClickHouse spells it; `limit`: characters of the longest text."""
        self.type = type
        self.limit = limit
        self.rows = 0

    def __len__(self) -> int:
        return self.rows

    @abstractmethod
    def encode(self, values: Sequence[Any]) -> Any:
        """Some values, at least one, as `append` takes them.

        Raises `Unusual`, or TypeError, OverflowError, UnicodeEncodeError for a value that the column can't hold.
        """

    @abstractmethod
    def append(self, encoded: Any, n: int) -> None:
        """Add `n` encoded values."""

    @abstractmethod
    def fill(self, n: int) -> None:
        """Add `n` values of ClickHouse's own default: '' or 0."""

    def forget(self) -> None:  # noqa: B027 - most kinds keep nothing of what they encode
        """Drop what was encoded since the last `append`: its rows are not added."""

    @abstractmethod
    def wire(self) -> list[Any]:
        """The bytes of the whole column, in parts."""

    @cached_property
    def values(self) -> Sequence[Any]:
        """What was appended, text as bytes; of a complete column. Slow, and kept: rows are selected one by one."""
        return self._decoded()

    @abstractmethod
    def _decoded(self) -> Sequence[Any]: ...

    def select(self, rows: Sequence[int]) -> Self:
        """A column of some of the rows."""
        made = type(self)(self.type)  # without the limit: bytes are longer than their characters
        made.append(made.encode([self.values[row] for row in rows]), len(rows))
        return made
