"""Rows in aligned columns that fit the width of a terminal."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from gateway.query.commands.terminal import Terminal

GAP = "  "
BELOW = "    "
LEAST_REST = 20
"""Cells that the last column has, however narrow the terminal is."""


class Column(NamedTuple):
    """`most`: cells that it takes at most in a terminal; the last column takes what is left."""

    title: str
    most: int = 0
    right: bool = False


class Cell(NamedTuple):
    """`text` holds nothing that a terminal obeys. `style`: as Rich names styles."""

    text: str
    style: str = ""


@dataclass(frozen=True)
class Row:
    """`below`: lines that follow it."""

    cells: Sequence[Cell]
    below: Sequence[str] = ()


class Table:
    """Lays rows out as they come: a column is as wide as its widest value so far, up to its `most`. With `whole`, and
    where a line has no end, nothing is cut."""

    def __init__(self, terminal: Terminal, columns: Sequence[Column], *, whole: bool = False) -> None:
        self._terminal = terminal
        self._columns = columns
        self._width = None if whole else terminal.width
        self._widths = [cell_len(column.title) for column in columns[:-1]]

    def lines(self, rows: Sequence[Row]) -> Iterator[str]:
        """The lines of these rows."""
        self._widen(rows)
        for row in rows:
            yield self._line(row.cells)
            yield from (BELOW + line for line in row.below)

    def header(self, rows: Sequence[Row]) -> str:
        """The titles, as wide as these rows want them."""
        self._widen(rows)
        return self._line([Cell(column.title, "dim") for column in self._columns])

    def _widen(self, rows: Iterable[Row]) -> None:
        for row in rows:
            for n, width in enumerate(self._widths):
                wanted = cell_len(row.cells[n].text[: self._columns[n].most + 1])
                self._widths[n] = max(width, min(wanted, self._columns[n].most))

    def _line(self, cells: Sequence[Cell]) -> str:
        *others, last = cells
        parts = [self._fitted(n, cell) for n, cell in enumerate(others)]
        text = last.text
        if self._width is not None:
            taken = sum(self._widths) + len(GAP) * len(self._widths)
            text = cut(text, max(LEAST_REST, self._width - taken))
        return GAP.join([*parts, self._terminal.painted(text, last.style)]).rstrip()

    def _fitted(self, n: int, cell: Cell) -> str:
        width = self._widths[n]
        text = cell.text if self._width is None else cut(cell.text, width)
        padding = " " * (width - cell_len(text))
        painted = self._terminal.painted(text, cell.style)
        return padding + painted if self._columns[n].right else painted + padding


def cut(text: str, cells: int) -> str:
    """The text, or as much of it as fits with a `…` behind it."""
    start = text[: 4 * cells]  # of what takes no cell, e.g. a pile of accents, there is a limit too
    if len(start) == len(text) and cell_len(text) <= cells:
        return text
    if cell_len(start) >= cells:
        start = set_cell_size(start, cells - 1)
    return start.rstrip() + "…"
