"""The fields of a signal: what a query can name, and where it is looked for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from gateway.query.language.attributes import Attribute
from gateway.query.language.binding import Cost
from gateway.query.language.kinds import Kind, Name
from gateway.query.language.texts import Person, Words

ATTRIBUTE = "attr."


@dataclass(frozen=True)
class Field:
    """`aliases`: other names that it may be written with. `cost`: what a condition on it needs to look at."""

    name: str
    kind: Kind
    aliases: tuple[str, ...] = ()
    cost: Cost = Cost.COLUMNS


class Fields:
    """A signal's fields. `text` is the SQL expression of the text that words without a field are looked for in."""

    def __init__(self, *fields: Field, text: str) -> None:
        self.text = text
        self._items = ""
        self._fields = {field.name: field for field in fields}
        self._named = self._fields | {alias: field for field in fields for alias in field.aliases}

    def __iter__(self) -> Iterator[Field]:
        return iter(self._fields.values())

    def index_attributes(self, items: str) -> None:
        """Conditions on attributes are to use the search index over this expression (`Attribute`), or none for ''. They
        find the same."""
        self._items = items

    @property
    def names(self) -> list[str]:
        """Every name and alias."""
        return list(self._named)

    def __getitem__(self, name: str) -> Field:
        """The field of a name, an alias or `attr.<key>`. Raises KeyError."""
        if name.startswith(ATTRIBUTE):
            return Field(name, Attribute(name.removeprefix(ATTRIBUTE), self._items), cost=Cost.ATTRIBUTES)
        return self._named[name]

    def meant_by(self, name: str) -> str:
        """The field that somebody may have meant by a name that is none: other case, the name of a column, or an
        attribute."""
        small = name.lower()
        if small in self._named:
            return self._named[small].name
        for field in self:
            if small in field.kind.columns:
                return field.name
        return ATTRIBUTE + (name[len(ATTRIBUTE) :] if small.startswith(ATTRIBUTE) else name)


class Columns:
    """Makes the fields of a table's columns. `limits`: column -> characters that it keeps."""

    def __init__(self, limits: Mapping[str, int | None]) -> None:
        self._limits = limits

    def text(self, name: str, column: str = "", *aliases: str, cost: Cost = Cost.COLUMNS) -> Field:
        return Field(name, self.words(column or name), aliases, cost)

    def id(self, name: str, column: str, as_stored: Callable[[str], str] = str) -> Field:
        return Field(name, replace(self.words(column, "id"), as_stored=as_stored))

    def words(self, column: str, kind: Name = "text") -> Words:
        return Words(column, self._limits[column], kind)

    def person(self) -> Field:
        return Field("user", Person(self.words("user_id"), self.words("user_email")))

    def common(self) -> tuple[Field, ...]:
        """The fields of every signal."""
        return (
            self.text("service", cost=Cost.ROLLUP),
            self.text("environment", "environment", "env", cost=Cost.ROLLUP),
            self.text("release"),
            self.id("trace", "trace_id"),
        )
