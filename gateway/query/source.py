"""The rows that a question is about, as the part of a statement that comes after SELECT."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from gateway.query.language import Condition, Cost
from gateway.query.reader import LOOKS_INTO_TEXT, Reader, Rows

T = TypeVar("T")

NOTHING_JOINED = Condition("")


@dataclass(frozen=True)
class Source:
    """Rows of one project in a table. `table` is qualified; the project's condition comes first. `joined`: what stands
    between the table and WHERE."""

    table: str
    project_id: str
    conditions: tuple[Condition, ...]
    joined: Condition = NOTHING_JOINED

    @classmethod
    def of(cls, database: str, table: str, project_id: str, conditions: Iterable[Condition]) -> "Source":
        project = Condition("project_id = %(project_id)s", {"project_id": project_id})
        return cls(f"`{database}`.`{table}`", project_id, (project, *conditions))

    def narrowed(self, *conditions: Condition) -> "Source":
        """The rows of these to which more conditions apply."""
        return replace(self, conditions=(*self.conditions, *conditions))

    @property
    def sql(self) -> str:
        """`FROM ... WHERE ...`."""
        return f"FROM {self.table} {self.joined.sql} WHERE {' AND '.join(each.sql for each in self.conditions)}"

    @property
    def values(self) -> dict[str, Any]:
        values = dict(self.joined.values)
        for condition in self.conditions:
            values |= condition.values
        return values

    @property
    def cost(self) -> Cost:
        return max(condition.cost for condition in self.conditions)

    @property
    def settings(self) -> Mapping[str, Any] | None:
        """What the server must be told for these conditions."""
        return LOOKS_INTO_TEXT if self.cost >= Cost.TEXT else None

    def query(self, select: str, rest: str = "") -> str:
        """A statement: `SELECT {select} FROM ... WHERE ... {rest}`. Both are SQL of ours."""
        return f"SELECT {select} {self.sql} {rest}"

    async def rows(self, reader: Reader, select: str, rest: str = "", more: Mapping[str, Any] | None = None) -> Rows:
        """The rows of `query`. `more`: values beyond those of the conditions. Raises what `Reader.read` raises."""
        return await self.read(reader, list, select, rest, more)

    async def read(
        self,
        reader: Reader,
        make: Callable[[Rows], T],
        select: str,
        rest: str = "",
        more: Mapping[str, Any] | None = None,
    ) -> T:
        """What `make` makes of the rows, on the query's own thread, as in `Reader.read`."""
        return await reader.read(
            make,
            self.query(select, rest),
            {**self.values, **(more or {})},
            project_id=self.project_id,
            settings=self.settings,
        )
