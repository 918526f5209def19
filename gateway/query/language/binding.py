"""Values on their way into a statement, and the condition that comes out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

Members = Callable[[str], Iterable[str]]
"""The fingerprints that are shown as one group with this one, itself included."""


class Cost(IntEnum):
    """What a condition needs to look at; the dearer one counts (reading.md, "What a condition costs")."""

    ROLLUP = 0
    """Only columns of the rollup that counts every five minutes: no row needs to be read to count."""
    COLUMNS = 1
    TEXT = 2
    ATTRIBUTES = 3


@dataclass(frozen=True)
class Condition:
    """A part of a WHERE clause, and the values of its `%(name)s` placeholders."""

    sql: str
    values: dict[str, Any] = field(default_factory=dict)
    cost: Cost = Cost.ROLLUP


class Binding:
    """Takes the values of one condition. The names of their placeholders begin with `name`."""

    def __init__(self, name: str, members: Members = lambda fingerprint: (fingerprint,)) -> None:
        self.values: dict[str, Any] = {}
        self.members = members
        self._name = name

    def __call__(self, value: Any) -> str:
        """The placeholder of a value."""
        name = f"{self._name}_{len(self.values)}" if self.values else self._name
        self.values[name] = value
        return f"%({name})s"


def stored(text: str, limit: int | None = None) -> str:
    """A text as a column holds it: NUL replaced, cut at the column's limit (contracts.md, "Numbers and text")."""
    return text.replace("\0", "\ufffd")[:limit]
