"""A SELECT of as many rows as fit into an answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeVar

from gateway.query.reader import Reader, Rows, TooBig

T = TypeVar("T")

MAX_PAGE_BYTES = 8_000_000
"""A page ends behind the row that reaches this size, whatever its limit (reading.md, "Pages")."""

FOUND = "found"
"""The name of a bounded SELECT's last value: how many rows the source has."""

_BEFORE = "before"


def alias(n: int) -> str:
    """The name of a bounded SELECT's nth value."""
    return f"c{n}"


@dataclass(frozen=True)
class Bounded:
    """A SELECT of these expressions, and behind them of the number of rows that the source has.

    `source` begins with FROM and ends with the LIMIT. The server sends the rows that fit into a page, at least one.
    `large`: which values may be large. `by`: the values that rows are sorted by, all downwards or all upwards. `most`:
    bytes of a page.
    """

    values: Sequence[str]
    large: Sequence[int]
    source: str
    by: Sequence[int]
    descending: bool = True
    most: int = MAX_PAGE_BYTES

    @property
    def sql(self) -> str:
        """The statement that counts bytes as it goes."""
        names = ", ".join(map(alias, range(len(self.values))))
        size = " + ".join(["0", *(f"length({alias(n)})" for n in self.large)])
        ordered = ", ".join(f"{alias(n)}{' DESC' if self.descending else ''}" for n in self.by)
        return (
            f"SELECT {names}, {FOUND} FROM ("  # noqa: S608 - names of ours
            f"SELECT *, count() OVER () AS {FOUND}, sum({size}) OVER (ORDER BY {ordered} ROWS BETWEEN UNBOUNDED"
            f" PRECEDING AND 1 PRECEDING) AS {_BEFORE} FROM ({self._plain})"
            f") WHERE {_BEFORE} < {self.most} ORDER BY {ordered}"
        )

    async def read(
        self,
        reader: Reader,
        make: Callable[[Rows], T],
        parameters: Mapping[str, Any],
        *,
        project_id: str,
        settings: Mapping[str, Any] | None = None,
        likely_small: bool = True,
    ) -> T:
        """What `make` makes of the rows. Most pages are small, and then the plain statement costs a third less: it is
        tried first where that is `likely_small`, and refused as soon as it is too large. Raises what `Reader.read`
        raises."""
        of = {"project_id": project_id}
        if not likely_small:
            return await reader.read(make, self.sql, parameters, settings=settings, **of)
        try:
            within = {**(settings or {}), "max_result_bytes": self.most}
            return await reader.read(
                lambda rows: make(self._counted(rows)), self._plain, parameters, settings=within, **of
            )
        except TooBig:
            return await reader.read(make, self.sql, parameters, settings=settings, **of)

    @property
    def _plain(self) -> str:
        return f"SELECT {', '.join(f'{value} AS {alias(n)}' for n, value in enumerate(self.values))} {self.source}"

    def _counted(self, rows: Rows) -> Rows:
        """The rows of the plain statement as those of the other one."""
        ordered = sorted(rows, key=itemgetter(*self.by), reverse=self.descending)
        return [(*row, len(rows)) for row in ordered]
