"""Messages -> columns. Pure: the same messages give the same rows in every process, at any time
(delivery.md, "Step 2: seal")."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from shared.envelope import Stamp, Undecodable, seal
from shared.formats.base import Columns, Format, Rows
from shared.formats.values import limit_text
from shared.queue.base import Lane, Message
from shared.signals.base import US_PER_DAY, Table
from writer.batch import Batch
from writer.column_checks import check
from writer.dead_letters import Letter, Reason, letter
from writer.entry import Entry, read_entry

_STAMPED = ("project_id", "received_at", "service", "environment", "release", "retention_days")
"""Columns taken from the stamp where the format doesn't make them."""

_encode = msgspec.json.Encoder().encode


class Piece(NamedTuple):
    """Consecutive decoded records of one message; `start` is the index of the first."""

    message: Message
    stamp: Stamp
    """Of the whole message."""
    records: list[Any]
    start: int

    @property
    def own_stamp(self) -> Stamp:
        """The stamp of these records alone."""
        n = len(self.records)
        if n == self.stamp.n:
            return self.stamp
        return msgspec.structs.replace(self.stamp, n=n, event_ids=self.stamp.event_ids[self.start : self.start + n])


class Converter:
    """Converts messages of a signal's topic to columns of its table."""

    def __init__(self, table: Table, formats: Iterable[Format]) -> None:
        self._table = table
        self.formats: Mapping[str, Format] = {fmt.name: fmt for fmt in formats}
        self._has_format = "format" in table.column_names

    def read(self, message: Message) -> Entry:
        return read_entry(message, self.formats)

    def convert(self, lane: Lane, entries: Sequence[Entry], now_us: int, *, planned: bool = False) -> Batch:
        """The batch of these messages: rows in order of format (by first appearance), offset and index, and letters
        for what can't become a row.

        `now_us`, microseconds since the epoch, decides only what is past its retention.
        """
        batch = Batch(
            lane=lane,
            first=entries[0].message.offset,
            last=entries[-1].message.offset,
            received_at=next((entry.stamp.received_at for entry in entries if entry.stamp), 0),
            message=entries[0].message if len(entries) == 1 else None,
            planned=planned,
        )
        groups: dict[str, list[Piece]] = {}
        for entry in entries:
            if piece := self._piece(entry, now_us, batch):
                groups.setdefault(piece.stamp.format, []).append(piece)
        blocks: list[Columns] = []
        for name, pieces in groups.items():
            blocks += self._blocks(self.formats[name], pieces, batch)
        batch.columns = blocks[0] if len(blocks) == 1 else {**merge(self._table, blocks)}
        batch.letters.sort(key=lambda each: (each.offset, each.index or 0))
        return batch

    def letter_of_row(self, lane: Lane, message: Message, index: int, detail: str) -> Letter:
        """The letter of a record that ClickHouse refused."""
        return letter(lane, self._record_alone(self.read(message), index), index, "refused", detail)

    def _piece(self, entry: Entry, now_us: int, batch: Batch) -> Piece | None:
        """The entry's records; None if there are none, or they are expired or undecodable, which `batch` then notes."""
        stamp = entry.stamp
        if stamp is None:
            _give_up(batch, entry.message, None, "undecodable", entry.problem)
            return None
        if is_expired(stamp, now_us):
            batch.expired += stamp.n
            return None
        try:
            records = self.formats[stamp.format].codec.read(entry.payload)
        except Undecodable as error:
            _give_up(batch, entry.message, None, "undecodable", f"the records: {error}")
            return None
        if len(records) != stamp.n:
            detail = f"the stamp counts {stamp.n} records, there are {len(records)}"
            _give_up(batch, entry.message, None, "undecodable", detail)
            return None
        return Piece(entry.message, stamp, records, 0) if records else None

    def _blocks(self, fmt: Format, pieces: list[Piece], batch: Batch) -> list[Columns]:
        """Convert all at once; if that fails, each half alone, down to the record that can't be converted."""
        try:
            return [self._columns(fmt, pieces, batch.lane)]
        except MemoryError:
            raise
        except Exception as error:  # a strange record may make a format raise anything
            halves = _halves(pieces)
            if halves is not None:
                return self._blocks(fmt, halves[0], batch) + self._blocks(fmt, halves[1], batch)
            (piece,) = pieces
            alone = self._record_alone(self.read(piece.message), piece.start)
            _give_up(batch, alone, piece.start, "unconvertible", f"{type(error).__name__}: {error}")
            return []

    def _columns(self, fmt: Format, pieces: list[Piece], lane: Lane) -> Columns:
        rows = Rows()
        offsets: list[int] = []
        indices: list[int] = []
        for piece in pieces:
            n = len(piece.records)
            rows.add(piece.own_stamp, piece.records)
            offsets += [piece.message.offset] * n
            indices += range(piece.start, piece.start + n)
        columns = fmt.columns(rows)
        for name in _STAMPED:
            columns.setdefault(name, getattr(rows, name))
        limit_text(self._table, columns, rows)
        if rows.notes:
            columns["extra"] = _extra(rows)
        if self._has_format:
            columns["format"] = [fmt.name] * len(rows)
        # A column of empty values isn't sent: its default is the same.
        columns = {name: values for name, values in columns.items() if any(values)}
        check(self._table, columns, len(rows))
        return columns | {
            "received_at": rows.received_at,
            "_topic": [lane.topic] * len(rows),
            "_partition": [lane.partition] * len(rows),
            "_offset": offsets,
            "_index": indices,
        }

    def _record_alone(self, entry: Entry, index: int) -> Message:
        """The message reduced to one record: still an envelope, so that it can be read again."""
        if entry.rows == 1 or entry.stamp is None:
            return entry.message
        ids = entry.stamp.event_ids[index : index + 1]
        stamp = msgspec.structs.replace(entry.stamp, n=1, event_ids=ids)
        value = seal(stamp, self.formats[stamp.format].codec.keep(entry.payload, [index]))
        return msgspec.structs.replace(entry.message, value=value)


def is_expired(stamp: Stamp, now_us: int) -> bool:
    """Whether the rows of a message are past their retention."""
    return stamp.received_at + stamp.retention_days * US_PER_DAY <= now_us


def _give_up(batch: Batch, message: Message, index: int | None, reason: Reason, detail: str) -> None:
    batch.letters.append(letter(batch.lane, message, index, reason, detail))


def _halves(pieces: list[Piece]) -> tuple[list[Piece], list[Piece]] | None:
    """Both halves in order; None for a single record."""
    if len(pieces) > 1:
        middle = len(pieces) // 2
        return pieces[:middle], pieces[middle:]
    (piece,) = pieces
    middle = len(piece.records) // 2
    if middle == 0:
        return None
    rest = piece._replace(records=piece.records[middle:], start=piece.start + middle)
    return [piece._replace(records=piece.records[:middle])], [rest]


def _extra(rows: Rows) -> list[bytes]:
    extra = [b""] * len(rows)
    for row, notes in rows.notes.items():
        extra[row] = _encode(notes)
    return extra


def merge(table: Table, blocks: list[Columns]) -> dict[str, list[Any]]:
    """One block out of several; where a block lacks a column, the rows get its default."""
    defaults = {column.name: column.default for column in table.columns}
    names = [name for name in defaults if any(name in block for block in blocks)]
    merged: dict[str, list[Any]] = {name: [] for name in names}
    for block in blocks:
        rows = len(block["_offset"])
        for name in names:
            merged[name] += block.get(name) or [defaults[name]] * rows
    return merged
