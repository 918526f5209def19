"""A SELECT of as many rows as fit into an answer."""

from collections.abc import Iterable, Sequence

MAX_PAGE_BYTES = 8_000_000
"""A page ends behind the row that reaches this size, whatever its limit (reading.md, "Pages")."""

FOUND = "found"
"""The name of a bounded SELECT's last value: how many rows the source has."""

_BEFORE = "before"


def alias(n: int) -> str:
    """The name of a bounded SELECT's nth value."""
    return f"c{n}"


def bounded(
    values: Sequence[str], large: Iterable[int], source: str, order: Iterable[str], most: int = MAX_PAGE_BYTES
) -> str:
    """A SELECT of these expressions, and behind them of the number of rows that the source has.

    `source` begins with FROM and ends with the LIMIT. The server sends the rows that fit into a page, at least one.
    `large`: which values may be large. `order`: of the rows, in terms of `alias`. `most`: bytes of a page.
    """
    names = [alias(n) for n in range(len(values))]
    selected = ", ".join(f"{value} AS {name}" for value, name in zip(values, names, strict=True))
    size = " + ".join(["0", *(f"length({alias(n)})" for n in large)])
    ordered = ", ".join(order)
    return (
        f"SELECT {', '.join(names)}, {FOUND} FROM ("  # noqa: S608 - names of ours
        f"SELECT *, count() OVER () AS {FOUND}, sum({size}) OVER (ORDER BY {ordered} ROWS BETWEEN UNBOUNDED PRECEDING"
        f" AND 1 PRECEDING) AS {_BEFORE} FROM (SELECT {selected} {source})"
        f") WHERE {_BEFORE} < {most} ORDER BY {ordered}"
    )
