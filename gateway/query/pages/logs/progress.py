"""How far a page of a search has come, as it says so (pages.md, "Logs")."""

from typing import NamedTuple

from gateway.query.logs.plan import Searched
from gateway.query.place import Place

_M = 1_000_000


class Progress(NamedTuple):
    """`to`: microseconds. `rows`, `of`: searched through, and those of the whole range; `rows` is None where the page
    ended within a step, of which it isn't known how much of it that was."""

    to: int
    rows: int | None
    of: int
    whole: bool

    @property
    def text(self) -> str:
        """`1.2 of 5.2 M rows`; '' for unknown."""
        if self.rows is None or not self.of:
            return ""
        if self.of >= _M:
            return f"{self.rows / _M:.1f} of {self.of / _M:.1f} M rows"
        return f"{self.rows:,} of {self.of:,} rows"


def progress_of(searched: Searched, next: Place | None, of: int | None) -> Progress:
    """`of`: the rows of the whole range, as the first page has found them; None on that page. What is left of the
    range now lies behind all pages before."""
    whole = max(searched.of, of or 0)
    within_a_step = next is not None and next.timestamp == searched.to
    rows = None if within_a_step else whole - searched.of + min(searched.rows, searched.of)
    return Progress(searched.to, rows, whole, next is None)
