"""What a spool's file holds: a queue file in which each topic has one lane. Every function works inside a transaction
given."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from secrets import token_hex
from typing import NamedTuple
from zlib import crc32

from shared.queue.base import Message, Position, TopicSpec
from shared.queue.sqlite import catalog, log
from shared.queue.sqlite.catalog import LaneState

CHUNK_BYTES = 500_000
"""A chunk is whole segments, unpacked: the last of them begins below this, and has 1 MB and one message at most."""
CHUNK_MESSAGES = 10_000


class CorruptSpool(Exception):
    """The file does not hold what was written to it; the text says how that shows."""


class DamagedPiece(CorruptSpool):
    """The messages `first <= offset < end` of a topic can't be read, or are not there; what lies behind them may be."""

    def __init__(self, topic: str, first: int, end: int, why: str = "they are missing") -> None:
        super().__init__(f"messages {first} to {end - 1} of {topic}: {why}")
        self.topic = topic
        self.first = first
        self.end = end

    @property
    def messages(self) -> int:
        """How many they were at most."""
        return self.end - self.first


class SpoolState(NamedTuple):
    """What waits in a spool. `oldest_ms`: when the first of it was spooled, Unix milliseconds; None for nothing."""

    id: str
    messages: int
    bytes: int
    """As they take it in the file."""
    oldest_ms: int | None


class Chunk(NamedTuple):
    """The next messages of a topic, in order. `end`: the offset in the spool after the last one."""

    topic: str
    messages: list[Message]
    end: int

    @property
    def bytes(self) -> int:
        return sum(len(message.value) for message in self.messages)

    @property
    def position(self) -> Position:
        """What is committed with it, with a mark of the message before it: another copy has another one there."""
        return Position(self.end, _mark(self.messages[-1]))


def identify(db: sqlite3.Connection) -> str:
    """The spool's id, made with the file. A copy keeps it: what was drained from one is not drained from the other."""
    db.execute("CREATE TABLE IF NOT EXISTS spool (id TEXT NOT NULL)")
    row = db.execute("SELECT id FROM spool").fetchone()
    if row is None:
        row = (token_hex(8),)
        db.execute("INSERT INTO spool VALUES (?)", row)
    return str(row[0])


def limit(db: sqlite3.Connection, specs: Iterable[TopicSpec]) -> None:
    """Take messages as large as the topics do now; the file may be of a time when they took others."""
    sizes = [(spec.max_message_bytes, spec.name) for spec in specs]
    db.executemany("UPDATE topics SET max_message_bytes = ? WHERE name = ?", sizes)


def state(db: sqlite3.Connection) -> SpoolState:
    (id_,) = db.execute("SELECT id FROM spool").fetchone()
    messages, size = db.execute("SELECT coalesce(sum(end - begin), 0), coalesce(sum(bytes), 0) FROM lanes").fetchone()
    oldest = _oldest(db)
    return SpoolState(id_, messages, size, oldest[0] if oldest else None)


def next_chunk(db: sqlite3.Connection) -> Chunk | None:
    """The oldest messages; None for none. Raises `DamagedPiece`, when all that lies before the damage is drained."""
    oldest = _oldest(db)
    if oldest is None:
        return None
    _, topic, lane = oldest
    messages = log.read(db, lane, lane.begin, lane.end, max_messages=CHUNK_MESSAGES, max_bytes=CHUNK_BYTES)
    good = list(
        takewhile(lambda each: not each[1].damage and each[0] == each[1].offset, enumerate(messages, lane.begin))
    )
    if not good:
        raise _damage(topic, lane, messages)
    return Chunk(topic, [message for _, message in good], lane.begin + len(good))


def drop_below(db: sqlite3.Connection, positions: Mapping[str, Position]) -> None:
    """Delete, in each topic, what is in the queue. Raises `CorruptSpool`: something else was drained under its id."""
    for (topic, _), lane in catalog.all_lanes(db).items():
        position = positions.get(topic, Position(0))
        if position.offset > lane.end:
            raise CorruptSpool(
                f"{position.offset} messages of {topic} were drained and it holds {lane.end}: an older copy"
            )
        if position.offset > lane.begin:
            _compare(db, topic, lane, position)
            _drop(db, lane, position.offset)


def _compare(db: sqlite3.Connection, topic: str, lane: LaneState, position: Position) -> None:
    """Raise `CorruptSpool` if another message than this file's was drained last. A position without a mark is one of a
    version before, or was set by hand."""
    found = log.read(db, lane, position.offset - 1, position.offset, max_messages=1, max_bytes=1)
    if position.metadata and found and not found[0].damage and _mark(found[0]) != position.metadata:
        raise CorruptSpool(
            f"{position.offset} messages of {topic} were drained and the last of them is not this file's: another copy"
            " of the spool, which was written to after it was copied"
        )


def _mark(message: Message) -> str:
    return f"{crc32(message.value, crc32(b'%d' % message.timestamp_ms)):08x}"


def _drop(db: sqlite3.Connection, lane: LaneState, position: int) -> None:
    which = "FROM segments WHERE lane = ? AND end <= ?"
    (size,) = db.execute(f"SELECT coalesce(sum(length(data)), 0) {which}", (lane.id, position)).fetchone()
    db.execute(f"DELETE {which}", (lane.id, position))
    left = lane.bytes - size if position < lane.end else 0  # of pieces that are missing nothing is deleted
    db.execute("UPDATE lanes SET begin = ?, bytes = ? WHERE id = ?", (position, left, lane.id))


def _oldest(db: sqlite3.Connection) -> tuple[int, str, LaneState] | None:
    """When the oldest message was spooled, its topic and lane. Of a lane whose messages are missing: the last one."""
    query = (
        "SELECT coalesce((SELECT timestamp_ms FROM segments WHERE lane = id AND segments.end > begin"
        " ORDER BY segments.end LIMIT 1), last_ms) FROM lanes WHERE id = ?"
    )
    waiting = [(topic, lane) for (topic, _), lane in catalog.all_lanes(db).items() if lane.begin < lane.end]
    found = [(int(db.execute(query, (lane.id,)).fetchone()[0]), topic, lane) for topic, lane in waiting]
    return min(found, default=None)


def _damage(topic: str, lane: LaneState, messages: Sequence[Message]) -> DamagedPiece:
    """Why there are no good messages at the beginning of a lane. A damaged one stands for all of its segment."""
    if not messages:
        return DamagedPiece(topic, lane.begin, lane.end)
    first = messages[0]
    if first.damage:
        return DamagedPiece(topic, lane.begin, first.offset + 1, first.damage)
    return DamagedPiece(topic, lane.begin, first.offset)
