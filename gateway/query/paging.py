"""Pages of rows in an order: bounded in rows and bytes, and a cursor to the pages beside each (reading.md, "Pages")."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple

from gateway.query.bounded import Bounded
from gateway.query.language import Condition
from gateway.query.parameters import Parameters
from gateway.query.place import MOST_EQUAL, NOT_OURS, PLACE_COLUMNS, STORED_ORDER, Place, decode_as, encode_place
from gateway.query.reader import Reader, Rows
from gateway.query.shape import R, Shape
from gateway.query.source import Source

MAX_LIMIT = 1000


@dataclass(frozen=True)
class Sort:
    """Rows by `key`, an expression that is a number, the largest first. Of equal ones the newest come first; without a
    key, of all."""

    name: str
    key: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.key, *PLACE_COLUMNS) if self.key else PLACE_COLUMNS


class Cursor(NamedTuple):
    """The rows beyond a row: those after it, or before it with `back`. `key`: the sort's value of that row."""

    sort: str
    back: bool
    key: int | float
    place: Place

    @property
    def text(self) -> str:
        return encode_place(self)


@dataclass(frozen=True)
class Paging:
    """Which page of the rows is asked for."""

    sort: Sort
    limit: int = 100
    cursor: Cursor | None = None

    @property
    def back(self) -> bool:
        return self.cursor is not None and self.cursor.back

    @property
    def order(self) -> list[str]:
        columns = self.sort.columns if self.sort.key else STORED_ORDER
        return [f"{column}{'' if self.back else ' DESC'}" for column in columns]


@dataclass(frozen=True)
class Page(Generic[R]):
    """`next`, `previous`: cursors of the pages beside it; None where there are no more rows."""

    rows: list[R]
    next: str | None = None
    previous: str | None = None


def parse_paging(given: Parameters, sorts: Sequence[Sort], most: int = MAX_LIMIT) -> Paging:
    """`sort` (the first one is usual), `limit` and `cursor`. What can't be used becomes an issue of `given`."""
    name = given.choice("sort", [sort.name for sort in sorts], sorts[0].name) if len(sorts) > 1 else sorts[0].name
    return Paging(
        sort=next(sort for sort in sorts if sort.name == name),
        limit=given.integer("limit", min(100, most), least=1, most=most),
        cursor=given.parsed("cursor", lambda text: _cursor(text, name), "value_error", "a valid cursor"),
    )


async def find_page(reader: Reader, source: Source, shape: Shape[R], paging: Paging) -> Page[R]:
    """A page of the source's rows. Raises `TooBig`, `Unavailable`."""
    if paging.cursor is not None:
        source = source.narrowed(*_beyond(paging.sort, paging.cursor))
    places = [_selected(column) for column in PLACE_COLUMNS]
    values = [*shape.values, *([paging.sort.key] if paging.sort.key else []), *places]
    by = range(len(shape.values), len(values))
    rows_of = f"{source.sql} ORDER BY {', '.join(paging.order)} LIMIT %(rows)s"
    return await Bounded(values, shape.large, rows_of, by, descending=not paging.back).read(
        reader,
        lambda rows: _page(rows, shape, paging),
        source.values | {"rows": paging.limit + 1 + MOST_EQUAL},
        project_id=source.project_id,
        settings=source.settings,
    )


def beyond(place: Place, *, descending: bool) -> list[Condition]:
    """The rows that come after a place: older ones if the newest come first, else newer ones."""
    return _beyond(Sort("time"), Cursor("time", not descending, 0, place))


def _beyond(sort: Sort, cursor: Cursor) -> list[Condition]:
    compared = ">" if cursor.back else "<"
    values: dict[str, Any] = {f"place_{n}": value for n, value in enumerate(cursor.place)}
    times = [f"fromUnixTimestamp64Micro(%(place_{n})s)" for n in (0, 1)]
    bounds = times + [f"%(place_{n})s" for n in range(2, len(cursor.place))]
    if sort.key:
        values["place_key"], bounds = cursor.key, ["%(place_key)s", *bounds]
    after = Condition(f"({', '.join(sort.columns)}) {compared} ({', '.join(bounds)})", values)
    if sort.key:
        return [after]
    return [Condition(f"timestamp {compared}= {times[0]}"), after]  # the primary key can't use the tuple


def _cursor(text: str, sort: str) -> Cursor:
    """Raises ValueError."""
    cursor = decode_as(Cursor, text)
    if cursor.sort != sort or not cursor.place.is_possible or not -(2**63) <= cursor.key < 2**64:
        raise ValueError(NOT_OURS)
    return cursor


def _page(rows: Rows, shape: Shape[R], paging: Paging) -> Page[R]:
    kept = rows[: paging.limit]
    if not kept:
        return Page([])
    cursors = [_cursor_of(row[len(shape.values) : -1], paging.sort) for row in (kept[0], kept[-1])]
    # Beyond the end that the reader came from there are rows, beyond the other one if more were found.
    ends = [cursors[0] if paging.cursor else None, cursors[1] if rows[0][-1] > len(kept) else None]
    if paging.back:
        kept, ends = kept[::-1], ends[::-1]
    previous, following = ends
    return Page(
        shape.rows(kept),
        following and following.text,
        previous and previous._replace(back=True).text,
    )


def _cursor_of(values: Sequence[Any], sort: Sort) -> Cursor:
    key, *place = values if sort.key else (0, *values)
    return Cursor(sort.name, False, key, Place(*place))


def _selected(column: str) -> str:
    return f"toUnixTimestamp64Micro({column})" if column in ("timestamp", "received_at") else column
