"""Messages -> rows. Pure: the same messages give the same rows in every process, at any time
(delivery.md, "Step 2: seal")."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from shared.envelope import Stamp, Undecodable, seal
from shared.formats.base import Columns, Format, Rows
from shared.formats.values import limit_text
from shared.letters import Letter, Reason
from shared.queue.base import Lane, Message
from shared.signals.base import US_PER_DAY, Table
from writer.batch import Batch
from writer.dead_letters import letter
from writer.entry import Entry, read_entry
from writer.wire.block import Block
from writer.wire.column import Unusual

PORTION_ROWS = 400
"""Rows that are converted at once, and a message more: what they need stays in the processor's cache
(performance.md, "Columns are bytes")."""

_STAMPED = ("project_id", "received_at", "service", "environment", "release", "retention_days")
"""Columns taken from the stamp where the format doesn't make them."""

_encode = msgspec.json.Encoder().encode


class Piece(NamedTuple):
    """Consecutive decoded records of one message; `start` is the place of the first in it."""

    entry: Entry
    stamp: Stamp
    """Of the whole message."""
    records: list[Any]
    start: int = 0

    @property
    def first(self) -> int:
        """The index of the first record."""
        return self.start + (self.entry.index or 0)

    @property
    def own_stamp(self) -> Stamp:
        """The stamp of these records alone."""
        n = len(self.records)
        if n == self.stamp.n:
            return self.stamp
        return msgspec.structs.replace(self.stamp, n=n, event_ids=self.stamp.event_ids[self.start : self.start + n])


class Converter:
    """Converts messages of a signal's topic to rows of its table."""

    def __init__(self, table: Table, formats: Iterable[Format]) -> None:
        self._table = table
        self.formats: Mapping[str, Format] = {fmt.name: fmt for fmt in formats}
        self._has_format = "format" in table.column_names
        self.has_groups = "fingerprint" in table.column_names
        """Whether entries may need grouping rules."""

    def read(self, message: Message) -> Entry:
        return read_entry(message, self.formats)

    def convert(self, lane: Lane, entries: Sequence[Entry], now_us: int, *, planned: bool = False) -> Batch:
        """The batch of these messages: rows in order of format (by first appearance), offset and index, and letters
        for what can't become a row.

        `now_us`, microseconds since the epoch, decides only what is past its retention. Entries have their rules.
        """
        batch = Batch(
            lane=lane,
            first=entries[0].message.offset,
            last=entries[-1].message.offset,
            received_at=next((entry.stamp.received_at for entry in entries if entry.stamp), 0),
            message=entries[0].message if len(entries) == 1 else None,
            block=Block(self._table),
            planned=planned,
        )
        groups: dict[str, list[Entry]] = {}
        for entry in entries:
            if entry.stamp is None:
                _give_up(batch, entry.message, entry.index, "undecodable", entry.problem)
            else:
                groups.setdefault(entry.stamp.format, []).append(entry)
        for name, group in groups.items():
            self._add_all(self.formats[name], group, now_us, batch)
        batch.letters.sort(key=lambda each: (each.offset, each.index or 0))
        return batch

    def letter_of_row(self, lane: Lane, message: Message, index: int, detail: str) -> Letter:
        """The letter of a record that ClickHouse refused."""
        return letter(lane, self._record_alone(self.read(message), index), index, "refused", detail)

    def _add_all(self, fmt: Format, entries: Sequence[Entry], now_us: int, batch: Batch) -> None:
        """Decode and convert the entries of one format, some whole messages at a time."""
        pieces: list[Piece] = []
        rows = 0
        for entry in entries:
            if piece := self._piece(entry, now_us, batch):
                pieces.append(piece)
                rows += len(piece.records)
            if rows >= PORTION_ROWS:
                self._add(fmt, pieces, batch)
                pieces, piece, rows = [], None, 0  # freed before the next ones are decoded
        if pieces:
            self._add(fmt, pieces, batch)

    def _piece(self, entry: Entry, now_us: int, batch: Batch) -> Piece | None:
        """The entry's records; None if there are none, or they are expired or undecodable, which `batch` then notes."""
        stamp = entry.stamp
        assert stamp is not None
        assert not entry.lacks_rules, "other rows than the stamp says would be stored"
        if is_expired(stamp, now_us):
            batch.expired += stamp.n
            return None
        try:
            records = self.formats[stamp.format].codec.read(entry.payload)
        except Undecodable as error:
            _give_up(batch, entry.message, entry.index, "undecodable", f"the records: {error}")
            return None
        if len(records) != stamp.n:
            detail = f"the stamp counts {stamp.n} records, there are {len(records)}"
            _give_up(batch, entry.message, entry.index, "undecodable", detail)
            return None
        return Piece(entry, stamp, records) if records else None

    def _add(self, fmt: Format, pieces: list[Piece], batch: Batch) -> None:
        """Convert all at once; if that fails, each half alone, down to the record that can't be converted."""
        try:
            self._append(fmt, pieces, batch)
        except MemoryError:
            raise
        except Exception as error:  # a strange record may make a format raise anything
            halves = _halves(pieces)
            if halves is not None:
                for half in halves:
                    self._add(fmt, half, batch)
                return
            (piece,) = pieces
            alone = self._record_alone(piece.entry, piece.start)
            _give_up(batch, alone, piece.first, "unconvertible", f"{type(error).__name__}: {error}")

    def _append(self, fmt: Format, pieces: list[Piece], batch: Batch) -> None:
        """Add the rows of all these records to the batch, or raise and add none."""
        rows, columns = self._columns(fmt, pieces, batch.lane)
        try:
            _append_columns(columns, rows, batch.block)
        except Unusual:
            limit_text(self._table, columns, rows)
            _append_columns(columns, rows, batch.block)

    def _columns(self, fmt: Format, pieces: list[Piece], lane: Lane) -> tuple[Rows, Columns]:
        rows = Rows()
        offsets: list[int] = []
        indices: list[int] = []
        for piece in pieces:
            n = len(piece.records)
            rows.add(piece.own_stamp, piece.records, piece.entry.rules)
            offsets += [piece.entry.message.offset] * n
            indices += range(piece.first, piece.first + n)
        n = len(rows)
        assert fmt.columns is not None, "a format of this table"
        columns = {**fmt.columns(rows), "received_at": rows.received_at}
        for name in _STAMPED:
            columns.setdefault(name, getattr(rows, name))
        if self._has_format:
            columns["format"] = [fmt.name] * n
        columns |= {
            "_topic": [lane.topic] * n,
            "_partition": [lane.partition] * n,
            "_offset": offsets,
            "_index": indices,
        }
        return rows, columns

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


def _append_columns(columns: Columns, rows: Rows, block: Block) -> None:
    if rows.notes:
        columns["extra"] = _extra(rows)
    block.append(columns, len(rows))


def _extra(rows: Rows) -> list[bytes]:
    extra = [b""] * len(rows)
    for row, notes in rows.notes.items():
        extra[row] = _encode(notes)
    return extra
