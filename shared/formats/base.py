"""What a format is: one wire shape of a signal, checked by the gateway and turned into columns by the writer.

Nothing here does I/O or asks a clock: the same message gives the same rows whenever it is read.
"""

import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from shared.envelope import Stamp

Api = Literal["deeptracer", "proliferate"]
"""Whose error bodies a route answers with (03, "Statuses")."""

Columns = dict[str, list[Any]]
"""Column name -> one value a row."""

ABSENT = msgspec.Raw()
"""An optional raw field that was not sent."""


class AnyObject(msgspec.Struct, gc=False):
    """Any JSON object: its keys are passed over, its being an object is checked."""


def checked_as(kind: Any) -> msgspec.Meta:
    """Marks a field that the writer decodes as one type (a raw one: stored byte for byte) and the gateway checks as
    another, `kind`."""
    return msgspec.Meta(extra={"checked_as": kind})


def or_else(mend: Callable[[Any], Any], also: str) -> msgspec.Meta:
    """Marks a field whose contract is wider than its type. `also` tells people what it takes beyond that.

    A JSON value that the type refuses is handed to `mend`, which gives what the record's own struct takes in its place,
    or None where the contract refuses it too.
    """
    return msgspec.Meta(extra={"or_else": mend}, description=also)


JsonObject = Annotated[msgspec.Raw, checked_as(AnyObject)]


def checked(record: Any) -> Any:
    """The type that the gateway validates a record with: its own, the raw fields by what they must hold.

    A record that is no struct is a `dict`, any JSON object.
    """
    if not (isinstance(record, type) and issubclass(record, msgspec.Struct)):
        return AnyObject
    hints = typing.get_type_hints(record, include_extras=True)
    fields: list[Any] = []
    for info in msgspec.structs.fields(record):
        hint = checked_hint(hints[info.name]) | msgspec.UnsetType
        fields.append((info.name, hint) if info.required else (info.name, hint, msgspec.UNSET))
    return msgspec.defstruct(record.__name__, fields, rename=_renames(record), gc=False, kw_only=True)


def checked_hint(hint: Any) -> Any:
    """The type that the gateway checks a field of this type with."""
    metadata = getattr(hint, "__metadata__", ())
    for meta in metadata:
        if isinstance(meta, msgspec.Meta) and meta.extra and "checked_as" in meta.extra:
            return meta.extra["checked_as"]
    return hint


def _renames(record: type[msgspec.Struct]) -> dict[str, str] | None:
    renames = {info.name: info.encode_name for info in msgspec.structs.fields(record) if info.name != info.encode_name}
    return renames or None


@dataclass(frozen=True)
class Outcome:
    """What became of a request's records; a format's `reply` makes the success body of it."""

    accepted: int
    dropped: int = 0
    fingerprints: Sequence[str] = ()
    event_ids: Sequence[str] = ()


class Look(NamedTuple):
    """What the gateway must know of a record beyond its being valid."""

    event_id: str = ""
    """The client's own id of it; '' for none."""
    lacks: str = ""
    """The field that this record needs although its struct lets it be absent; '' for none."""
    is_ping: bool = False
    """It is accepted and counted, and there is nothing to store."""


@dataclass
class Rows:
    """Records of one format out of one batch, in their order, and beside each what its stamp says of it.

    All lists have one entry a row. `notes` collects what goes to a row's `extra`.
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
    notes: dict[int, dict[str, Any]] = field(default_factory=dict)

    def add(self, stamp: Stamp, records: list[Any]) -> None:
        n = len(records)
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

    def note(self, row: int, name: str, value: Any) -> None:
        """Keep in the row's `extra` what its columns can't."""
        self.notes.setdefault(row, {})[name] = value

    def __len__(self) -> int:
        return len(self.records)


@dataclass(frozen=True)
class Format:
    """One wire shape.

    The gateway takes `POST route`, decodes the body with `frame`, checks the JSON array in the frame's field `batch`
    with `record`, and sends the array on as it came. Without a `frame` the body is itself the one record.

    A frame has `service`, `environment` and `release`, which go into the stamp (class variables where the request has
    no such field). The order of fields is the order in which the faults of a body are listed. An `api_key` needs no
    field: the gateway looks for it, and never sends it on.
    """

    name: str
    signal: str
    route: str
    api: Api
    record: Any
    """msgspec type of one record, as the writer decodes it."""
    columns: Callable[[Rows], Columns]
    """Turns rows into the signal's columns; names it leaves out come from the stamp or get the column's default."""
    reply: Callable[[Outcome], tuple[int, bytes]]
    """(status, JSON body) of an accepted request."""
    frame: type[msgspec.Struct] | None = None
    batch: str = ""
    min_records: int = 1
    max_records: int = 1
    partial: bool = False
    """A bad record is dropped and counted instead of the whole request refused."""
    split: Callable[[bytes], msgspec.Raw] | None = None
    """Makes one JSON array of a body that may have other shapes (drains). Raises msgspec.DecodeError."""
    counted_as: Literal["ingest", "drain"] = "ingest"
    """Which of the limits its requests count towards; drains have one only where the project sets it."""
    fingerprinted: Callable[[Any], tuple[str, str]] | None = None
    """(error message, stack trace) of a record whose fingerprint the answer carries."""
    examples: Mapping[str, Any] = field(default_factory=dict)
    """Name -> a whole body, as a JSON value; for people and for the API's description. Each must be accepted."""
    look: Callable[[bytes], Look] | None = None
    """Looks at the JSON of a valid record. A format that has it takes one record, refused when it is bad, or an array
    of up to `max_records`, of which the bad ones are dropped (set `partial`, no `frame`)."""


class BatchFrame(msgspec.Struct, gc=False, kw_only=True):
    """What a batch request says once for all of its records, as the DeepTracer routes have it."""

    service: str = "unknown"
    environment: str = "production"
    release: Annotated[str, msgspec.Meta(max_length=128)] = ""
