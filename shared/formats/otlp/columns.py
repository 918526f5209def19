"""The columns that logs and spans share, and how they are made from attributes."""

from collections.abc import Mapping, Sequence

from shared.formats.base import Columns, Rows
from shared.formats.otlp.records import Attributes, Source, iso, said
from shared.formats.otlp.values import json_bytes
from shared.formats.values import plausible

Promoted = Mapping[str, tuple[str, ...]]
"""Column -> the attributes that it takes its text from, the first one that is there."""

FLAGS = 0xFF
"""The flags that W3C defines; further bits are noted."""


def common_columns(rows: Rows) -> Columns:
    sources: list[Source] = [record.source for record in rows.records]
    _note_sources(rows, sources)
    for row, record in enumerate(rows.records):
        if record.dropped_attributes:
            rows.note(row, "dropped_attributes", record.dropped_attributes)
        if record.flags > FLAGS:
            rows.note(row, "flags", record.flags)
    return {
        **source_columns(rows),
        "resource": [source.resource for source in sources],
        "attributes": [json_bytes(record.attributes) if record.attributes else b"" for record in rows.records],
    }


def source_columns(rows: Rows) -> Columns:
    sources: list[Source] = [record.source for record in rows.records]
    return {
        "service": [source.service for source in sources],
        "environment": [source.environment for source in sources],
        "release": [source.release for source in sources],
    }


def promoted(attributes: Sequence[Attributes], columns: Promoted) -> Columns:
    """Columns of attributes; those of which no record has any are left out."""
    seen: set[str] = set().union(*attributes)
    return {
        column: [said(each, *names) for each in attributes]
        for column, names in columns.items()
        if not seen.isdisjoint(names)
    }


def moments(rows: Rows, sent: Sequence[int], name: str = "timestamp") -> list[int]:
    """Nanoseconds -> microseconds; 0 and what no row can have become `received_at`, the latter noted."""
    times = [ns // 1000 if ns else received for ns, received in zip(sent, rows.received_at, strict=True)]
    return plausible(rows, times, lambda row: iso(sent[row]) or sent[row], name)


def _note_sources(rows: Rows, sources: Sequence[Source]) -> None:
    before = None
    for row, source in enumerate(sources):
        if source.notes and not (source.is_long and source is before):
            rows.notes.setdefault(row, {}).update(source.notes)
        before = source
