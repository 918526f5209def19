"""What a reader of logs has chosen beside search and range: columns, further facets. It stands in the address, and all
links between the pages of logs keep it (pages.md, "Logs")."""

from dataclasses import dataclass

from gateway.query.language.field import ATTRIBUTE
from gateway.query.logs.columns import INCLUDABLE, KEYS, REF
from gateway.query.parameters import Parameters

KEEPS = ("columns", "fields")

MAX_COLUMNS = 6
_FIXED = ("timestamp", "level", "service", "message")
COLUMNS = tuple(name for name in (*KEYS, *INCLUDABLE) if name not in (*_FIXED, "attributes", REF))
"""Columns that can be chosen, beside `attr.<key>`."""

FIELDS = ("user", "account", "email", "file", "function", "template", "format", "request", "trace")
"""Fields that can be chosen as facets, beside `attr.<key>`: those that are not there anyhow."""

MAX_FIELDS = 6


@dataclass(frozen=True)
class Choices:
    """`columns` and `fields` by the names that they have in addresses. `choosing`: the list of fields is open."""

    columns: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    choosing: bool = False

    @property
    def included(self) -> list[str]:
        """The columns that an answer has only where it is asked for them."""
        return [name for name in self.columns if name in INCLUDABLE]


def parse_choices(given: Parameters) -> Choices:
    """What can't be used becomes an issue of `given`."""
    return Choices(
        tuple(given.words("columns", COLUMNS, prefix=ATTRIBUTE))[:MAX_COLUMNS],
        tuple(given.words("fields", FIELDS, prefix=ATTRIBUTE))[:MAX_FIELDS],
        given.choice("more", ("0", "1"), "0") == "1",
    )


def can_be_word(name: str) -> bool:
    """Whether a list with commas can hold this name."""
    return "," not in name and name == name.strip() and len(name) <= 200
