"""What conversion means, as plainly as it can be written: message by message, value by value, into lists.

The writer's own conversion, which encodes some hundred rows at a time, must come to the same rows and letters.
"""

from array import array
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from shared.formats.base import Columns, Format, Rows
from shared.queue.base import Lane
from shared.signals.base import Column, Table
from writer.batch import Batch
from writer.entry import Entry

CODES = {"UInt8": "B", "UInt16": "H", "UInt32": "I", "UInt64": "Q", "Float64": "d", "DateTime64(6, 'UTC')": "q"}
STAMPED = ("project_id", "service", "environment", "release", "retention_days")


class Refused(NamedTuple):
    """A record that becomes a letter; `detail` without what follows the name of a column."""

    offset: int
    index: int
    detail: str


class Misfit(Exception):
    pass


class Plain(NamedTuple):
    rows: list[dict[str, Any]]
    """Every column of the table, text as bytes."""
    refused: list[Refused]


def convert(table: Table, formats: Mapping[str, Format], lane: Lane, entries: Sequence[Entry]) -> Plain:
    """Readable entries -> rows in order of format (by first appearance), offset and index."""
    made = Plain([], [])
    for name in dict.fromkeys(entry.stamp.format for entry in entries if entry.stamp):
        fmt = formats[name]
        for entry in entries:
            if entry.stamp and entry.stamp.format == name:
                _message(table, fmt, lane, entry, fmt.codec.read(entry.payload), 0, made)
    made.refused.sort()
    return made


def _message(table: Table, fmt: Format, lane: Lane, entry: Entry, records: list[Any], start: int, made: Plain) -> None:
    if not records:
        return
    try:
        made.rows.extend(_rows(table, fmt, lane, entry, records, start))
    except Exception as error:
        if len(records) == 1:
            detail = str(error) if isinstance(error, Misfit) else f"{type(error).__name__}: {error}"
            made.refused.append(Refused(entry.message.offset, start, detail))
            return
        middle = len(records) // 2
        _message(table, fmt, lane, entry, records[:middle], start, made)
        _message(table, fmt, lane, entry, records[middle:], start + middle, made)


def _rows(table: Table, fmt: Format, lane: Lane, entry: Entry, records: list[Any], start: int) -> list[dict[str, Any]]:
    assert entry.stamp
    n, rows = len(records), Rows()
    ids = entry.stamp.event_ids[start : start + n]
    rows.add(msgspec.structs.replace(entry.stamp, n=n, event_ids=ids), records)
    columns: Columns = {name: getattr(rows, name) for name in STAMPED} | dict(fmt.columns(rows))
    columns["received_at"] = rows.received_at
    kinds = {column.name: column for column in table.columns}
    for name, values in columns.items():
        if name not in kinds or len(values) != n:
            raise Misfit(f"Misfit: {name}")
    fitted = {name: _fitted(kinds[name], values, rows) for name, values in columns.items()}
    if rows.notes:
        fitted["extra"] = [msgspec.json.encode(rows.notes[row]) if row in rows.notes else b"" for row in range(n)]
    fitted["format"] = [fmt.name.encode()] * n
    fitted["_topic"], fitted["_partition"] = [lane.topic.encode()] * n, [lane.partition] * n
    fitted["_offset"], fitted["_index"] = [entry.message.offset] * n, [*range(start, start + n)]
    defaults = {name: b"" if "String" in kind.type else 0 for name, kind in kinds.items()}
    return [
        {name: fitted[name][row] if name in fitted else defaults[name] for name in kinds if name in table.column_names}
        for row in range(n)
    ]


def _fitted(kind: Column, values: Sequence[Any], rows: Rows) -> list[Any]:
    """What the column stores of each value; what is cut is noted whole."""
    stored, before = [], None
    for row, value in enumerate(values):
        try:
            stored.append(_text(kind, value, before, row, rows) if "String" in kind.type else _number(kind, value))
        except (TypeError, OverflowError, UnicodeEncodeError) as error:
            raise Misfit(f"Misfit: {kind.name}") from error
        before = value
    return stored


def _text(kind: Column, value: Any, before: Any, row: int, rows: Rows) -> bytes:
    if kind.limit is not None and len(value) > kind.limit:
        if value is not before:  # said once by a request for all of its records, it is noted once
            rows.note(row, kind.name, value.replace("\0", "\ufffd") if isinstance(value, str) else value)
        value = value[: kind.limit]
    if not value:
        return b""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise TypeError("no text")
    return value.replace("\0", "\ufffd").encode()


def _number(kind: Column, value: Any) -> Any:
    return array(CODES[kind.type], [value])[0] if value else 0


def of_batch(table: Table, batch: Batch) -> Plain:
    """What the writer's own conversion came to, in the same form."""
    values = {name: column.values for name, column in batch.block.columns.items()}
    defaults = {column.name: b"" if "String" in column.type else 0 for column in table.columns}
    rows = [
        {name: values[name][row] if name in values else default for name, default in defaults.items()}
        for row in range(batch.block.rows)
    ]
    refused = []
    for letter in batch.letters:
        assert letter.reason == "unconvertible"
        assert letter.index is not None
        parts = letter.detail.split(": ")
        detail = ": ".join(parts[:2]) if parts[0] == "Misfit" and " " not in parts[1] else letter.detail
        refused.append(Refused(letter.offset, letter.index, detail))
    return Plain(rows, refused)
