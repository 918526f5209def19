"""What a spool's file holds: a queue file in which each topic has one lane. Every function works inside a transaction
given."""

import sqlite3
from collections.abc import Mapping
from itertools import takewhile
from secrets import token_hex
from typing import NamedTuple

from shared.queue.base import Message
from shared.queue.sqlite import catalog, log
from shared.queue.sqlite.catalog import LaneState

CHUNK_BYTES = 500_000
"""A chunk is whole segments, the last of which goes beyond this: it has about 1 MB at most, unpacked."""
CHUNK_MESSAGES = 10_000


class CorruptSpool(Exception):
    """The file does not hold what was written to it; the text says how that shows."""


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


def identify(db: sqlite3.Connection) -> str:
    """The spool's id, made with the file. A copy keeps it: what was drained from one is not drained from the other."""
    db.execute("CREATE TABLE IF NOT EXISTS spool (id TEXT NOT NULL)")
    row = db.execute("SELECT id FROM spool").fetchone()
    if row is None:
        row = (token_hex(8),)
        db.execute("INSERT INTO spool VALUES (?)", row)
    return str(row[0])


def state(db: sqlite3.Connection) -> SpoolState:
    (id_,) = db.execute("SELECT id FROM spool").fetchone()
    messages, size = db.execute("SELECT coalesce(sum(end - begin), 0), coalesce(sum(bytes), 0) FROM lanes").fetchone()
    oldest = _oldest(db)
    return SpoolState(id_, messages, size, oldest[0] if oldest else None)


def next_chunk(db: sqlite3.Connection) -> Chunk | None:
    """The oldest messages; None for none. Raises `CorruptSpool`, when all that lies before the damage is drained."""
    oldest = _oldest(db)
    if oldest is None:
        return None
    _, topic, lane = oldest
    messages = log.read(db, lane, lane.begin, lane.end, max_messages=CHUNK_MESSAGES, max_bytes=CHUNK_BYTES)
    good = list(
        takewhile(lambda each: not each[1].damage and each[0] == each[1].offset, enumerate(messages, lane.begin))
    )
    if not good:
        (first,) = messages[:1]
        raise CorruptSpool(first.damage or f"messages {lane.begin} to {first.offset - 1} of {topic} are missing")
    return Chunk(topic, [message for _, message in good], lane.begin + len(good))


def drop_below(db: sqlite3.Connection, positions: Mapping[str, int]) -> None:
    """Delete, in each topic, what is in the queue. Raises `CorruptSpool`: more is there than the file ever held."""
    for (topic, _), lane in catalog.all_lanes(db).items():
        position = positions.get(topic, 0)
        if position > lane.end:
            raise CorruptSpool(f"{position} messages of {topic} were drained and it holds {lane.end}: an older copy")
        if position > lane.begin:
            _drop(db, lane.id, position)


def _drop(db: sqlite3.Connection, lane_id: int, position: int) -> None:
    which = "FROM segments WHERE lane = ? AND end <= ?"
    (size,) = db.execute(f"SELECT coalesce(sum(length(data)), 0) {which}", (lane_id, position)).fetchone()
    db.execute(f"DELETE {which}", (lane_id, position))
    db.execute("UPDATE lanes SET begin = ?, bytes = bytes - ? WHERE id = ?", (position, size, lane_id))


def _oldest(db: sqlite3.Connection) -> tuple[int, str, LaneState] | None:
    """When the oldest message was spooled, its topic and lane."""
    found = []
    query = "SELECT timestamp_ms FROM segments WHERE lane = ? ORDER BY end LIMIT 1"
    for (topic, _), lane in catalog.all_lanes(db).items():
        if lane.begin < lane.end:
            row = db.execute(query, (lane.id,)).fetchone()
            if row is None:
                raise CorruptSpool(f"messages {lane.begin} to {lane.end - 1} of {topic} are missing")
            found.append((int(row[0]), topic, lane))
    return min(found, default=None)
