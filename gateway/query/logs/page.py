"""A page of logs as JSON, bounded in rows and bytes. It is made on a reader's thread, piece by piece."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gateway.query.bounded import MAX_PAGE_BYTES, Bounded
from gateway.query.logs.columns import has_text, render, selected
from gateway.query.place import PLACE_COLUMNS, Place
from gateway.query.reader import Rows
from gateway.query.rendering import PIECE_BYTES


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


def select(
    names: Sequence[str],
    source: str,
    by: Iterable[str] = PLACE_COLUMNS,
    *,
    descending: bool = True,
    most: int = MAX_PAGE_BYTES,
) -> Bounded:
    """A SELECT whose rows `page_of` takes. `source` begins with FROM and ends with the LIMIT. `by`: the columns of a
    place that rows are sorted by. `most`: bytes."""
    large = [n for n, name in enumerate(names) if has_text(name)]
    order = [len(names) + PLACE_COLUMNS.index(column) for column in by]
    return Bounded([selected(name) for name in (*names, *PLACE_COLUMNS)], large, source, order, descending, most)


def page_of(names: Sequence[str], rows: Rows, limit: int) -> Page:
    """The page of these rows: at most `limit`, and no more once it is large enough."""
    return gathered(names, rows, _between_commas(render(names, rows[:limit])), MAX_PAGE_BYTES)


def gathered(names: Sequence[str], rows: Rows, logs: Iterable[bytes], most: int) -> Page:
    """The page of the logs that are written like this, one for each of the first rows; it ends behind the one that
    reaches `most` bytes."""
    pieces: list[bytes] = []
    piece = bytearray()
    n = written = 0
    for log in logs:
        piece += log
        n += 1
        if len(piece) >= PIECE_BYTES:
            pieces.append(bytes(piece))
            written += len(piece)
            piece.clear()
            if written >= most:
                break
    pieces.append(bytes(piece))
    return Page(pieces, n, place_behind(names, rows, n))


def place_behind(names: Sequence[str], rows: Rows, n: int) -> Place | None:
    """The place of the nth row if more follow."""
    return Place(*rows[n - 1][len(names) : -1]) if n and rows[0][-1] > n else None


def _between_commas(logs: Iterable[bytes]) -> Iterator[bytes]:
    before = b""
    for log in logs:
        yield before + log
        before = b","
