"""What a format is: one way to encode the records of a signal, and the columns that they become.

Nothing here does I/O or asks a clock: the same message gives the same rows whenever it is read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

from shared.envelope import Stamp
from shared.fingerprint.rules import NO_RULES, Rules
from shared.formats.codec import Codec

Columns = dict[str, Sequence[Any]]
"""Column name -> one value a row. All of them have equally many."""

ABSENT = msgspec.Raw()
"""An optional raw field that was not sent."""


class AnyObject(msgspec.Struct, gc=False):
    """Any JSON object: only that it is one is checked, its keys are skipped."""


def checked_as(kind: Any) -> msgspec.Meta:
    """Marks a field that the writer decodes as one type (a raw one: stored byte for byte) and the gateway checks as
    another, `kind`."""
    return msgspec.Meta(extra={"checked_as": kind})


def or_else(mend: Callable[[Any], Any], also: str, sent_as: str = "") -> msgspec.Meta:
    """Marks a field whose contract is wider than its type. `also` describes in words what else it accepts.

    A JSON value that the type refuses is passed to `mend`, which returns a replacement that the record's own struct
    accepts, or None if the contract refuses the value too. `sent_as` names another field of the record that then gets
    the value as it was sent, unless only its case differs.
    """
    return msgspec.Meta(extra={"or_else": mend, "sent_as": sent_as}, description=also)


JsonObject = Annotated[msgspec.Raw, checked_as(AnyObject)]


@dataclass
class Rows:
    """Records of one format from one batch, in order, each with the fields of its stamp.

    All lists have one entry per row; `event_id`, `fingerprint_version` and `rules` are empty where stamps don't carry
    them. `notes` collects what goes to a row's `extra`.
    """

    records: list[Any] = field(default_factory=list)
    project_id: list[str] = field(default_factory=list)
    received_at: list[int] = field(default_factory=list)
    retention_days: list[int] = field(default_factory=list)
    service: list[str] = field(default_factory=list)
    environment: list[str] = field(default_factory=list)
    release: list[str] = field(default_factory=list)
    event_id: list[str] = field(default_factory=list)
    fingerprint_version: list[int] = field(default_factory=list)
    rules: list[Rules] = field(default_factory=list)
    """The revision of the project's grouping rules that the stamp names."""
    notes: dict[int, dict[str, Any]] = field(default_factory=dict)

    def add(self, stamp: Stamp, records: list[Any], rules: Rules = NO_RULES) -> None:
        n = len(records)
        if stamp.extra:
            first = len(self.records)
            self.notes |= {row: dict(stamp.extra) for row in range(first, first + n)}
        self.records += records
        self.project_id += [stamp.project_id] * n
        self.received_at += [stamp.received_at] * n
        self.retention_days += [stamp.retention_days] * n
        self.service += [stamp.service] * n
        self.environment += [stamp.environment] * n
        self.release += [stamp.release] * n
        if stamp.event_ids:
            self.event_id += stamp.event_ids
        if stamp.fingerprint_version:
            self.fingerprint_version += [stamp.fingerprint_version] * n
            self.rules += [rules] * n

    def note(self, row: int, name: str, value: Any) -> None:
        """Keep in the row's `extra` what its columns can't hold."""
        self.notes.setdefault(row, {})[name] = value

    def __len__(self) -> int:
        return len(self.records)


@dataclass(frozen=True)
class Format:
    """What a queue message of this name may hold, and how its records become rows: what both sides agree on."""

    name: str
    signal: str
    columns: Callable[[Rows], Columns] | None
    """Turns rows into the signal's columns; names it leaves out come from the stamp or get the column's default. None:
    its records are counted and never stored, and the signal needs no table."""
    codec: Codec
