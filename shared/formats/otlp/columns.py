"""The columns that logs and spans share, and how they are made from attributes."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from shared.formats.base import Columns, Rows
from shared.formats.otlp.attributes import AttributesColumn
from shared.formats.otlp.records import NO_SOURCE, Source, iso, told
from shared.formats.values import plausible

Promoted = Mapping[str, tuple[str, ...]]
"""Column -> the attributes that it takes its text from, the first one that is there."""

FLAGS = 0xFF
"""The flags that W3C defines; further bits are noted."""


def common_columns(rows: Rows, sent: Mapping[str, Sequence[Any]], attributes: AttributesColumn) -> Columns:
    """`sent`: the fields of the records as columns."""
    _note_sources(rows, sent["source"])
    note_all(rows, "dropped_attributes", sent["dropped_attributes"])
    note_all(rows, "flags", sent["flags"], FLAGS)
    return {
        **source_columns(rows),
        "resource": [source.resource for source in sent["source"]],
        "attributes": attributes.texts(),
    }


def source_columns(rows: Rows) -> Columns:
    sources: list[Source] = [record.source for record in rows.records]
    return {
        "service": [source.service for source in sources],
        "environment": [source.environment for source in sources],
        "release": [source.release for source in sources],
    }


def note_all(rows: Rows, name: str, numbers: Sequence[int], usual: int = 0) -> None:
    """Note the numbers over the usual one, and those below 0."""
    if max(numbers) > usual or min(numbers) < 0:
        for row, number in enumerate(numbers):
            if number > usual or (number < 0 and not usual):
                rows.note(row, name, number)


def promoted(attributes: AttributesColumn, columns: Promoted) -> Columns:
    """Columns of attributes; those of which no record has any are left out."""
    found = {column: attributes.first(names, told) for column, names in columns.items()}
    return {column: values for column, values in found.items() if values is not None}


def moments(rows: Rows, sent: Sequence[int], name: str = "timestamp") -> list[int]:
    """Nanoseconds -> microseconds; 0 and what no row can have become `received_at`, the latter noted."""
    if all(sent):
        times = [ns // 1000 for ns in sent]
    else:
        times = [ns // 1000 if ns else received for ns, received in zip(sent, rows.received_at, strict=True)]
    return plausible(rows, times, lambda row: iso(sent[row]) or sent[row], name)


def _note_sources(rows: Rows, sources: Sequence[Source]) -> None:
    if not any(map(attrgetter("notes"), sources)):
        return
    before = NO_SOURCE
    for row, source in enumerate(sources):
        notes = source.notes
        if source.is_long and source is before:
            notes = {}
        elif source.is_url_long and notes["schema_url"] is before.notes.get("schema_url"):
            notes = {name: value for name, value in notes.items() if name != "schema_url"}
        if notes:
            rows.notes.setdefault(row, {}).update(notes)
        before = source
