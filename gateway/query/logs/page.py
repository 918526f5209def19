"""A page of logs as JSON, bounded in rows and bytes. It is made on a reader's thread, piece by piece."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.query.logs.columns import has_text, render, select_list
from gateway.query.logs.cursor import PLACE_COLUMNS, Place
from gateway.query.reader import Rows

MAX_PAGE_BYTES = 8_000_000
"""A page ends behind the log that reaches this size, whatever its limit (contracts.md, "Reading logs")."""

PIECE_BYTES = 65_536
"""Pieces of an answer are at least this large, but for the last one."""

_FOUND, _BEFORE = "found", "before"


@dataclass(frozen=True)
class Page:
    """Logs as the text between an array's brackets, in pieces. `last`: the place of the last of them if more follow."""

    pieces: list[bytes]
    n: int = 0
    last: Place | None = None

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(map(len, self.pieces))

    def __add__(self, later: "Page") -> "Page":
        """This page and the one that goes on from it."""
        comma = [b","] if self.n and later.n else []
        return Page(self.pieces + comma + later.pieces, self.n + later.n, later.last)


def select(names: Sequence[str], source: str, order: Iterable[str]) -> str:
    """A SELECT whose rows `page_of` takes.

    `source` begins with FROM and ends with the LIMIT. The server sends the rows that fit into a page, at least one,
    each with the number of rows that it found.
    """
    columns = (*names, *PLACE_COLUMNS)
    aliases = [f"c{n}" for n in range(len(columns))]
    values = select_list(columns, aliases)
    large = " + ".join(f"length({alias})" for alias, name in zip(aliases, names, strict=False) if has_text(name))
    ordered = ", ".join(order)
    return (
        f"SELECT {', '.join(aliases)}, {_FOUND} FROM ("  # noqa: S608 - names of ours
        f"SELECT *, count() OVER () AS {_FOUND}, sum({large}) OVER (ORDER BY {ordered} ROWS BETWEEN UNBOUNDED PRECEDING"
        f" AND 1 PRECEDING) AS {_BEFORE} FROM (SELECT {values} {source})"
        f") WHERE {_BEFORE} < {MAX_PAGE_BYTES} ORDER BY {ordered}"
    )


def ordering(names: Sequence[str], *, descending: bool) -> list[str]:
    """The order of logs in terms of the aliases of `select`."""
    first = len(names)
    return [f"c{first + n}{' DESC' if descending else ''}" for n in range(len(PLACE_COLUMNS))]


def page_of(names: Sequence[str], rows: Rows, limit: int) -> Page:
    """The page of these rows: at most `limit`, and no more once it is large enough."""
    pieces: list[bytes] = []
    piece = bytearray()
    n = written = 0
    for log in render(names, rows[:limit]):
        if n:
            piece += b","
        piece += log
        n += 1
        if len(piece) >= PIECE_BYTES:
            pieces.append(bytes(piece))
            written += len(piece)
            piece.clear()
            if written >= MAX_PAGE_BYTES:
                break
    pieces.append(bytes(piece))
    more = n > 0 and rows[0][-1] > n
    return Page(pieces, n, Place(*rows[n - 1][len(names) : -1]) if more else None)
